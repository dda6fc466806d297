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
        object.modified < modified || object.mode & 0o7777 != mode
    }
}

/// Whether a server puts right what its objects say of themselves: told by its answers, once.
final class S3Restamping: Sendable {
    private let refusal = Atomic(false)

    var isRefused: Bool { refusal.load(ordering: .relaxed) }
    func wasRefused() { refusal.store(true, ordering: .relaxed) }
}

extension S3Endpoint {
    /// Puts right what an object says of its file: a copy onto itself, which the server makes (CopyObject). One that is
    /// too big for that keeps what it said.
    /// - Parameter tag: its ETag, empty where it is not known: another one's object is left as it is.
    /// - Returns: the ETag that it has then; the same when nothing was changed.
    func restamp(
        _ key: String, _ object: ObjectDescription, _ mark: S3Mark, tag: String, size: Int64
    ) async throws(DestinationError) -> String {
        guard size <= options.largestCopy, !restamping.isRefused else { return tag }
        func copy(_ tag: String) async throws(DestinationError) -> String {
            let source = S3Object(
                tag: tag, isWeak: tag.isEmpty, size: size, mark: mark, checksum: nil, contentType: nil)
            let copies = S3Copies(endpoint: self, source: source, sourceKey: key, namesTag: !tag.isEmpty)
            return try await copies.makeAtOnce(key, object.s3Fields(options, mark), [])
        }
        do throws(DestinationError) {
            do throws(DestinationError) {
                return try await copy(tag)
            } catch {
                guard error.isConflict || error == .sessionLost else { throw error }
                // It is gone, or another's, or the server compares another ETag than it told.
                guard case .object(let found) = try await self.object(key), found.mark == mark else { return tag }
                return try await copy(found.tag == tag || found.isWeak ? "" : found.tag)
            }
        } catch {
            switch error {
            case _ where error.isConflict || error == .sessionLost: return tag
            case .rejected, .forbidden, .malformed:
                restamping.wasRefused()
                return tag
            default: throw error
            }
        }
    }
}
