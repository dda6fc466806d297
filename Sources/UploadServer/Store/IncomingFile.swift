import Crypto
import Glibc
import NIOCore
import UploadCore

/// A file that comes in one request, under a working name until it is complete. Whoever makes one discards or
/// publishes it; what a kill leaves behind is swept at the next start.
struct IncomingFile: Sendable {
    let file: OpenFile
    let directory: OpenFile
    let name: String

    static let suffix = ".put"

    init(in directory: OpenFile) throws(StoreError) {
        self.directory = directory
        name = SessionIdentifier.random().text + Self.suffix
        file = try .open(name, below: directory, flags: O_RDWR | O_CREAT | O_EXCL)
    }

    /// Writes the body as it arrives.
    func receive(
        _ body: some AsyncSequence<ByteBuffer, any Error>, length: Int64, digest: ContentDigest
    ) async throws(StoreError) {
        var hasher = SHA256()
        var received: Int64 = 0
        do {
            for try await buffer in body {
                try file.write(buffer, at: received)
                buffer.withUnsafeReadableBytes { hasher.update(bufferPointer: $0) }
                received += Int64(buffer.readableBytes)
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw .bodyBroken
        }
        guard received == length else { throw .bodyBroken }
        guard ContentDigest(hasher.finalize()) == digest else { throw .digestMismatch }
    }

    func discard() {
        _ = unlinkat(directory.descriptor, name, 0)
    }
}
