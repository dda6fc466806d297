import Synchronization
import UploadCore

/// What an object of parts says of its file's time and mode. It is told when its upload begins, while the file is still
/// written ("CreateMultipartUpload"; "CompleteMultipartUpload" takes no metadata); `cp -p`, rsync and tar give both at
/// the very end.
struct S3Stamp: Sendable, Hashable {
    let modified: Timestamp
    /// Permission bits.
    let mode: UInt32

    init(_ object: ObjectDescription) {
        modified = object.modified
        mode = object.mode & 0o7777
    }

    /// As `text` has it.
    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 2, let nanoseconds = Int64(words[0]), let mode = UInt32(words[1], radix: 8) else {
            return nil
        }
        modified = Timestamp(nanoseconds: nanoseconds)
        self.mode = mode
    }

    var text: String { "\(modified.nanoseconds) \(String(mode, radix: 8))" }

    /// Whether somebody has given its file another time or mode since. Writing moves the time on by itself, by as long
    /// as it takes: that is not worth a copy. A time from before, or another mode, has been given.
    func isOutdated(by object: ObjectDescription) -> Bool {
        let last = S3Stamp(object)
        return last.modified < modified || last.mode != mode
    }
}

/// What became of putting right what objects say of themselves. That it could not be done keeps no file from being
/// published: it is told.
final class S3Restamping: Sendable {
    private struct State {
        var isRefused = false
        var failures = 0
        var last = ""
    }

    private let state = Mutex(State())

    /// The server has no such request: it is not asked again.
    var isRefused: Bool { state.withLock(\.isRefused) }

    func failed(_ reason: String, isRefused: Bool = false) {
        state.withLock { state in
            state.failures += 1
            state.last = reason
            if isRefused { state.isRefused = true }
        }
    }

    /// A sentence for people; nil: all went well.
    var remark: String? {
        let (failures, last) = state.withLock { ($0.failures, $0.last) }
        guard failures > 0 else { return nil }
        let files = failures == 1 ? "One big file has" : "\(failures) big files have"
        return "\(files) not got the time and mode at the destination that were given at the end. "
            + "The last reason: \(last)"
    }
}

extension S3Object {
    /// It says of its file what that says of itself.
    func says(_ object: ObjectDescription) -> Bool {
        modifiedText == object.modifiedText && modeText == object.s3ModeText
    }
}

extension S3Endpoint {
    /// Looks; and copies, where it does not say yet what it is to.
    private static let restampLooks = 3

    /// Puts right what an object says of its file: a copy onto itself, which the server makes (HeadObject, CopyObject).
    /// One that is too big for that keeps what it said, as does another's object.
    /// - Returns: the ETag that it has then.
    /// - Throws: `cancelled` alone: the object is published, whatever it says of its file.
    func restamp(
        _ key: String, _ object: ObjectDescription, _ mark: S3Mark, tag: String, size: Int64
    ) async throws(DestinationError) -> String {
        guard size <= options.largestCopy, !restamping.isRefused else { return tag }
        guard !options.rules.archives(object.path) else {
            restamping.failed("what lies in an archive can't be copied.")
            return tag
        }
        var object = object
        var tag = tag
        var failure: DestinationError?
        for look in 1...Self.restampLooks {
            do throws(DestinationError) {
                let holding = try await self.object(key)
                if holding == .untold { restamping.failed("objects there may not be read, and so not be copied.") }
                guard case .object(let found) = holding, found.mark == mark, found.size == size, !found.isWeak else {
                    return tag
                }
                tag = found.tag
                if found.says(object) { return tag }
                guard look < Self.restampLooks else { break }
                // Its first bytes may have told, when it was begun.
                if object.contentType == ContentType.unknown, let type = found.contentType { object.contentType = type }
                let condition = options.onConflict == .overwrite ? [] : [(name: "if-match", value: "\"\(tag)\"")]
                let copies = S3Copies(endpoint: self, source: found, sourceKey: key, namesTag: true)
                return try await copies.makeAtOnce(key, object.s3Fields(options, mark), condition)
            } catch {
                guard error != .cancelled else { throw error }
                failure = error
                switch error {
                case .rejected(let rejection):
                    restamping.failed(rejection.detail, isRefused: rejection.status == 501)
                    return tag
                case .forbidden(_, let detail):
                    restamping.failed(detail)
                    return tag
                default: break
                }
            }
        }
        if let failure { restamping.failed(FailureSentences.failure(for: failure).reason) }
        return tag
    }
}
