import Glibc
package import UploadCore

/// Which unfinished uploads of a key are those that an earlier run of this mount began and did not live to note. Pure.
///
/// A list of uploads does not say whose they are, and nothing that we could send would make it. So all of this must fit:
/// - it is none that the mount knows, also not of those that are being begun at the moment;
/// - it was begun, by the server's clock, when one of the intentions says that one was about to be;
/// - it has no part. Ours have none: the first one travels after the journal has the session. Whose has one is in use; and
///   should another uploadfs have begun one just now, it begins again, and has lost nothing;
/// - each such upload has an intention of its own. Where there are more of them than we can have begun, none is touched.
struct S3Strays {
    /// Uploads to abort.
    let strays: [S3Upload]
    /// Intentions, by their numbers, that nothing can come of any more.
    let settled: [Int]
    /// There are more than ours can be.
    let isDoubtful: Bool

    /// Seconds before an intention: times are told in whole seconds, and of two clocks.
    static let before = 5
    /// Seconds after it: for as long as a request may take to be carried out.
    static let after = 60

    /// - Parameters:
    ///   - uploads: without parts, and without those that are known.
    ///   - intentions: of their key.
    ///   - ahead: seconds that the server's clock is ahead of ours.
    ///   - now: ours, in seconds since 1970.
    init(_ uploads: [S3Upload], _ intentions: [BeginIntention], ahead: Int, now: Int) {
        var left = intentions.sorted { $0.time < $1.time }
        var strays: [S3Upload] = []
        var settled = intentions.filter { Int($0.time.seconds) + Self.after < now }.map(\.number)
        // As all of them leave as much time, the first one that fits is the right one to take.
        for upload in uploads.sorted(by: { ($0.begun ?? 0) < ($1.begun ?? 0) }) {
            guard Self.fits(upload, intentions, ahead: ahead) else { continue }
            guard let index = left.firstIndex(where: { Self.fits(upload, [$0], ahead: ahead) }) else {
                self.strays = []
                self.settled = []
                isDoubtful = true
                return
            }
            settled.append(left.remove(at: index).number)
            strays.append(upload)
        }
        self.strays = strays
        self.settled = Set(settled).sorted()
        isDoubtful = false
    }

    /// Whether its time is that of one of them.
    static func fits(_ upload: S3Upload, _ intentions: [BeginIntention], ahead: Int) -> Bool {
        guard let begun = upload.begun else { return false }
        return intentions.contains { intention in
            let time = Int(intention.time.seconds) + ahead
            return time - before...time + after ~= begun
        }
    }
}

extension S3Destination {
    package func leftBehind(
        by intentions: [BeginIntention], known: KnownSessions
    ) async throws(DestinationError) -> LeftBehind? {
        do throws(DestinationError) {
            return try await search(intentions, known)
        } catch .forbidden {
            return nil
        } catch .rejected {
            // It can't list them.
            return nil
        }
    }

    /// What a look at one path has found.
    private struct Found {
        let intentions: [BeginIntention]
        var uploads: [S3Upload]
        let ahead: Int
    }

    private func search(
        _ intentions: [BeginIntention], _ known: KnownSessions
    ) async throws(DestinationError) -> LeftBehind? {
        var found: [(path: UploadPath, what: Found)] = []
        for (path, group) in Dictionary(grouping: intentions, by: \.path).sorted(by: { $0.key < $1.key }) {
            let list = try await endpoint.uploads(prefix: conflicts.keyPrefix(path))
            let uploads = list.uploads.filter {
                conflicts.isKey($0.key, of: path) && S3Strays.fits($0, group, ahead: list.ahead)
            }
            found.append((path, Found(intentions: group, uploads: uploads, ahead: list.ahead)))
        }
        var ids: Set<String> = []
        if found.contains(where: { !$0.what.uploads.isEmpty }) {
            // After the lists: what this run has begun and they have is known by now.
            guard let sessions = await known() else { return LeftBehind() }
            ids = Set(sessions.map { S3Session.words(of: $0)[1] })
        }
        var left = LeftBehind()
        for (path, what) in found {
            var unused: [S3Upload] = []
            for upload in what.uploads where !ids.contains(upload.upload) {
                if try await !endpoint.hasParts(upload) { unused.append(upload) }
            }
            let verdict = S3Strays(unused, what.intentions, ahead: what.ahead, now: time(nil))
            left.strays += verdict.strays.map(token)
            left.settled += verdict.settled
            if verdict.isDoubtful { left.doubtful.append(endpoint.location.url(endpoint.location.key(path))) }
        }
        return left
    }

    private func token(_ upload: S3Upload) -> SessionToken {
        S3Session(
            key: upload.key, upload: upload.upload, mark: S3Mark(""), endpoint: endpoint, conflicts: conflicts
        ).token
    }
}
