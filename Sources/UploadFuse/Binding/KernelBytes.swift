import CFuse
import Glibc
import UploadCore

/// The bytes of one WRITE: in libfuse's memory, or still in a pipe.
///
/// Valid only during the callback, like the `fuse_bufvec` it reads.
struct KernelBytes: ByteSource {
    private let source: UnsafeMutablePointer<fuse_bufvec>

    init(_ source: UnsafeMutablePointer<fuse_bufvec>) {
        self.source = source
    }

    var count: Int { fuse_buf_size(source) }

    func store(in file: any SpoolFile, at offset: Int64) throws(SpoolError) {
        let buffer = source.pointee
        if buffer.count == 1, buffer.buf.flags.rawValue & FUSE_BUF_IS_FD.rawValue == 0 {
            return try file.write(UnsafeRawBufferPointer(start: buffer.buf.mem, count: buffer.buf.size), at: offset)
        }
        let wanted = count
        var target = fuse_bufvec(descriptor: file.descriptor, offset: offset, count: wanted)
        // It stops where a splice took less, or a signal came, and goes on from there.
        var stored = 0
        var copied = 0
        repeat {
            copied = fuse_buf_copy(&target, source, FUSE_BUF_SPLICE_MOVE)
            stored += max(0, copied)
        } while stored < wanted && (copied > 0 || copied == -Int(EINTR))
        file.measure()
        guard stored == wanted else { throw Self.failure(copied) }
    }

    func bytes() throws(SpoolError) -> [UInt8] {
        let wanted = count
        var memory = [UInt8](repeating: 0, count: wanted)
        let copied = memory.withUnsafeMutableBytes { memory in
            var target = fuse_bufvec(memory: memory)
            return fuse_buf_copy(&target, source, fuse_buf_copy_flags(rawValue: 0))
        }
        guard copied == wanted else { throw Self.failure(copied) }
        return memory
    }

    /// fuse_buf_copy tells a short count when the disk filled up in between.
    private static func failure(_ result: Int) -> SpoolError {
        switch Int32(clamping: -result) {
        case ENOSPC, EDQUOT: .noSpace
        case let errno where errno > 0: .system(call: "splice", errno: errno)
        default: .noSpace
        }
    }
}
