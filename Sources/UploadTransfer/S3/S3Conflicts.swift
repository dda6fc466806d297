import Crypto
import Glibc
import Synchronization
import UploadCore

/// What is done where a key has an object already that this mount has not put there.
package enum ConflictRule: String, Sendable, Hashable, CaseIterable {
    /// The last one wins, as everywhere with S3.
    case overwrite
    /// The file fails, and says so.
    case fail
    /// It gets a name of its own beside the other one.
    case rename
}

/// What an object of ours says of where it comes from, in its metadata.
struct S3Mark: Sendable, Hashable {
    /// The mount's state directory.
    let origin: String
    /// The multipart upload that it was, a word of ours; empty: it was none.
    let upload: String
    /// Tells its key: a copy under another one, which takes the metadata along, is none of ours.
    let place: String

    static let field = "x-amz-meta-uploadfs"

    var text: String { [origin, upload, place].joined(separator: "/") }

    init(origin: String, upload: String = "", key: String) {
        self.origin = origin
        self.upload = upload
        place = String(Hex.text(SHA256.hash(data: Array(key.utf8))).prefix(16))
    }

    /// It is of the same mount, and was put under the same key.
    func isSameObject(as other: S3Mark) -> Bool { origin == other.origin && place == other.place }

    init(_ text: String) {
        let words = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        origin = words[0]
        upload = words.count > 1 ? words[1] : ""
        place = words.count > 2 ? words[2] : ""
    }
}

/// Names at the destination, and who has them. An object is put under conditions that hold against other machines, too
/// ("Add preconditions to S3 operations with conditional requests"); since many servers take no notice of those, it is
/// asked beforehand what is there.
final class S3Conflicts: Sendable {
    let endpoint: S3Endpoint
    private let state = Mutex(State())

    private struct State {
        /// Of paths that were taken, what is used instead.
        var renamed: [[UInt8]: Copy] = [:]
        /// Objects that this run has put, by their keys: some servers keep no metadata, and some tell nobody of it.
        var own: [[UInt8]: String] = [:]
    }

    /// A name beside the one that was taken.
    private struct Copy {
        let key: String
        let date: String
        /// Of those with the same date.
        let number: Int
    }

    /// How often what is there is looked at again, when it changes under our hands.
    static let rounds = 4
    /// Objects remembered.
    private static let most = 10_000

    init(_ endpoint: S3Endpoint) {
        self.endpoint = endpoint
    }

    /// Under which key an object is put now.
    func key(_ path: UploadPath) -> String {
        state.withLock { $0.renamed[Array(path.text.utf8)]?.key } ?? endpoint.location.key(path)
    }

    /// Whether an upload that was begun with this key, perhaps by an earlier process, is one of this path.
    func isKey(_ key: String, of path: UploadPath) -> Bool {
        // By their bytes: two spellings of a letter are two keys.
        if self.key(path).utf8.elementsEqual(key.utf8) { return true }
        guard endpoint.options.onConflict == .rename, let (before, after) = path.conflictParts else { return false }
        return key.utf8.starts(with: (endpoint.location.prefix + before).utf8)
            && key.utf8.reversed().starts(with: after.utf8.reversed())
    }

    /// What all keys of a path begin with.
    func keyPrefix(_ path: UploadPath) -> String {
        guard endpoint.options.onConflict == .rename, let (before, _) = path.conflictParts else {
            return endpoint.location.key(path)
        }
        return endpoint.location.prefix + before.dropLast(UploadPath.conflictWords.count)
    }

    /// The fields that let a key be put that is free, or has an object of this mount.
    /// - Parameter wasRefused: the last ones did not hold.
    /// - Returns: nil when it has another one.
    func condition(
        for key: String, wasRefused: Bool = false
    ) async throws(DestinationError) -> [(name: String, value: String)]? {
        guard endpoint.options.onConflict != .overwrite else { return [] }
        let own = state.withLock { $0.own[Array(key.utf8)] }
        switch try await endpoint.object(key) {
        case .nothing: return [("if-none-match", "*")]
        case .untold:
            if let own, !wasRefused { return [("if-match", "\"\(own)\"")] }
            return wasRefused ? nil : [("if-none-match", "*")]
        case .object(let object):
            let mark = S3Mark(origin: endpoint.options.origin, key: key)
            guard object.tag == own || object.mark?.isSameObject(as: mark) == true else { return nil }
            // A weak one never matches (RFC 9110, section 13.1.1).
            return object.isWeak ? [] : [("if-match", "\"\(object.tag)\"")]
        }
    }

    /// Whether an object that was put under a condition is there a moment later, too. Some servers leave room for
    /// another writer between looking and putting (SeaweedFS 4.48), and then the last one has it.
    /// - Parameter began: when it was asked for: others who looked before it was there have put theirs by then.
    func hasStayed(
        _ key: String, tag: String?, since began: ContinuousClock.Instant
    ) async throws(DestinationError) -> Bool {
        guard endpoint.options.onConflict != .overwrite, endpoint.location.endpoint != nil else { return true }
        let took = began.duration(to: .now)
        do { try await Task.sleep(for: min(max(took * 4, Self.shortestLook), Self.longestLook)) } catch {
            throw .cancelled
        }
        guard case .object(let object) = try await endpoint.object(key) else { return true }
        // Of the same bytes the ETag is the same, whoever has put them there.
        let isSame = tag.map { object.tag == $0 || object.isWeak || endpoint.mayBeTold($0) } ?? true
        let isOurs = object.mark.map { $0.origin == endpoint.options.origin } ?? isSame
        if !isOurs { forget(key) }
        return isOurs
    }

    private static let shortestLook = Duration.milliseconds(20)
    private static let longestLook = Duration.seconds(1)

    /// An object of ours is there.
    func put(_ key: String, tag: String) {
        guard endpoint.options.onConflict != .overwrite else { return }
        state.withLock { state in
            if state.own.count >= Self.most { state.own = [:] }
            state.own[Array(key.utf8)] = tag
        }
    }

    /// It is gone, or another's.
    func forget(_ key: String) {
        state.withLock { $0.own[Array(key.utf8)] = nil }
    }

    /// Whether this run has put it there.
    func isRemembered(_ tag: String, _ key: String) -> Bool {
        state.withLock { $0.own[Array(key.utf8)] == tag }
    }

    /// The key of a path is another one's: it gets a name of its own.
    /// - Throws: the refusal, where files are to fail, or can't be given another name.
    func taken(_ path: UploadPath, mayBeRenamed: Bool = true) throws(DestinationError) {
        let refusal = Rejection(
            status: 412, cause: .conflict,
            detail: "the bucket has \(key(path)) already, which this mount has not put there")
        guard endpoint.options.onConflict == .rename, mayBeRenamed else { throw .rejected(refusal) }
        let date = SignatureV4.amzDate(time(nil))
        let isRenamed = state.withLock { state in
            let last = state.renamed[Array(path.text.utf8)]
            let number = last?.date == date ? (last?.number ?? 0) + 1 : 1
            let words = number == 1 ? date : "\(date) \(number)"
            guard let copy = path.conflictCopy(host: endpoint.options.host, date: words) else { return false }
            state.renamed[Array(path.text.utf8)] = Copy(key: endpoint.location.key(copy), date: date, number: number)
            return true
        }
        guard isRenamed else { throw .rejected(refusal) }
    }
}

extension UploadPath {
    /// What a conflict copy's path has before and behind the words about its conflict: `NAME (conflict HOST DATE).EXT`.
    fileprivate var conflictParts: (before: String, after: String)? {
        guard let name = name?.text else { return nil }
        let directory = components.dropLast().map { $0.text + "/" }.joined()
        // A dot at the beginning hides a file, and ends no name.
        let dot = name.lastIndex(of: ".").flatMap { $0 > name.startIndex ? $0 : nil } ?? name.endIndex
        return ("\(directory)\(name[..<dot])\(Self.conflictWords)", ")\(name[dot...])")
    }

    fileprivate static let conflictWords = " (conflict "

    /// - Returns: nil when that is no path: its name is too long.
    func conflictCopy(host: String, date: String) -> UploadPath? {
        conflictParts.flatMap { try? UploadPath("\($0.before)\(host) \(date)\($0.after)") }
    }
}
