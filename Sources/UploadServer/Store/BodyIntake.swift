import Crypto
import NIOCore

/// A request's body on its way to disk: written as it arrives, and in the end the bytes that were announced.
enum BodyIntake {
    /// - Parameter write: puts a buffer to its place, so many bytes from the body's begin.
    /// - Throws: `bodyBroken` when it has another length (or ends in the middle), `digestMismatch` when it is
    ///   not what the digest says, and what `write` throws.
    static func receive(
        _ body: some AsyncSequence<ByteBuffer, any Error>, length: Int64, digest: ContentDigest,
        write: (ByteBuffer, Int64) throws(StoreError) -> Void
    ) async throws(StoreError) {
        var hasher = SHA256()
        var received: Int64 = 0
        do {
            for try await buffer in body {
                try write(buffer, received)
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
}
