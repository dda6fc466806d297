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
        try await BodyIntake.receive(body, length: length, digest: digest) { buffer, offset throws(StoreError) in
            try file.write(buffer, at: offset)
        }
    }

    func discard() {
        _ = unlinkat(directory.descriptor, name, 0)
    }
}
