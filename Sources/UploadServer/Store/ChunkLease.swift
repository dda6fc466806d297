import NIOCore
import Synchronization

/// The right of one request to write the bytes of one chunk.
///
/// A client whose connection broke sends the chunk again while the broken request may still be draining. The
/// newer request takes the right away from the older one, and from then on not one byte of the older one
/// reaches the file: so an acknowledged chunk is always the bytes of a single request.
///
/// Lock order: the session's, then the lease's. Holding the lease's lock over a pwrite(2) is the point of it.
final class ChunkLease: Sendable {
    let index: Int
    let files: SessionFiles
    private let offset: Int64
    private let isHeld = Mutex(true)

    init(index: Int, offset: Int64, files: SessionFiles) {
        self.index = index
        self.offset = offset
        self.files = files
    }

    /// - Parameter position: within the chunk.
    func write(_ buffer: ByteBuffer, at position: Int64) throws(StoreError) {
        try isHeld.withLock { isHeld throws(StoreError) in
            guard isHeld else { throw .superseded }
            try files.data.write(buffer, at: offset + position)
        }
    }

    /// When this returns, `write` has written its last byte.
    func supersede() {
        isHeld.withLock { $0 = false }
    }
}
