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
        var target = fuse_bufvec(descriptor: file.descriptor, offset: offset, count: count)
        defer { file.measure() }
        try move(to: &target, FUSE_BUF_SPLICE_MOVE)
    }

    func bytes() throws(SpoolError) -> [UInt8] {
        var memory = [UInt8](repeating: 0, count: count)
        // The array's closure throws no typed errors.
        try memory.withUnsafeMutableBytes { memory in
            Result { () throws(SpoolError) in
                var target = fuse_bufvec(memory: memory)
                try move(to: &target, fuse_buf_copy_flags(rawValue: 0))
            }
        }.get()
        return memory
    }

    /// All of it. fuse_buf_copy stops where a splice took less, or a signal came, and goes on from there when it is
    /// called again.
    private func move(to target: inout fuse_bufvec, _ flags: fuse_buf_copy_flags) throws(SpoolError) {
        let wanted = count
        var moved = 0
        while moved < wanted {
            let result = fuse_buf_copy(&target, source, flags)
            guard result > 0 || result == -Int(EINTR) else { throw Self.failure(result) }
            moved += max(0, result)
        }
    }

    /// fuse_buf_copy tells 0 when the disk filled up in between.
    private static func failure(_ result: Int) -> SpoolError {
        switch Int32(clamping: -result) {
        case ENOSPC, EDQUOT: .noSpace
        case let errno where errno > 0: .system(call: "splice", errno: errno)
        default: .noSpace
        }
    }
}
