import CLinux
import Glibc
import NIOCore
import UploadCore

/// An open file or directory; closed when the last holder lets go. Its methods may be called from
/// any thread.
///
/// A failed write-back is told by `synchronize`, which everything that is published goes through
/// before it is acknowledged as published; close(2) has nothing to add to that.
final class OpenFile: Sendable {
    let descriptor: Int32

    private init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    /// - Parameters:
    ///   - name: relative to `directory`, or to the working directory when that is nil.
    ///   - flags: of open(2); close-on-exec is added.
    static func open(
        _ name: String, below directory: OpenFile? = nil, flags: Int32, mode: mode_t = 0o600
    ) throws(StoreError) -> OpenFile {
        while true {
            let descriptor = openat(directory?.descriptor ?? AT_FDCWD, name, flags | O_CLOEXEC, mode)
            if descriptor >= 0 { return OpenFile(adopting: descriptor) }
            guard errno == EINTR else { throw .last("open") }
        }
    }

    func write(_ buffer: ByteBuffer, at offset: Int64) throws(StoreError) {
        try buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(StoreError) in try write(bytes, at: offset) }
        }.get()
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(StoreError) {
        try bytes.withUnsafeBytes { bytes in
            Result { () throws(StoreError) in try write(bytes, at: offset) }
        }.get()
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(StoreError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written))
            if count < 0 {
                guard errno == EINTR else { throw .last("pwrite") }
            } else {
                written += count
            }
        }
    }

    /// - Returns: how many bytes were read: fewer than asked only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(StoreError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(filled))
            if count == 0 { break }
            if count < 0 {
                guard errno == EINTR else { throw .last("pread") }
            } else {
                filled += count
            }
        }
        return filled
    }

    /// Everything in it. Only for files that are known to be small.
    func contents() throws(StoreError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(try status().st_size))
        let count = try bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(StoreError) in try read(into: buffer, at: 0) }
        }.get()
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    func truncate(to size: Int64) throws(StoreError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            guard errno == EINTR else { throw .last("ftruncate") }
        }
    }

    func status() throws(StoreError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last("fstat") }
        return status
    }

    /// Content, attributes and, of a directory, the names in it are on stable storage when it returns.
    func synchronize() throws(StoreError) {
        while fsync(descriptor) != 0 {
            guard errno == EINTR else { throw .last("fsync") }
        }
    }

    /// Lets the kernel begin to write the range out, so that `synchronize` will have less to do. A hint: it
    /// may fail where the filesystem doesn't know it, and nothing is lost then.
    func startWriteback(of range: Range<Int64>) {
        _ = clinux_start_writeback(descriptor, off_t(range.lowerBound), off_t(range.upperBound - range.lowerBound))
    }

    func setMode(_ mode: UInt32) throws(StoreError) {
        guard fchmod(descriptor, mode_t(mode)) == 0 else { throw .last("fchmod") }
    }

    func setModified(_ moment: Timestamp) throws(StoreError) {
        let time = timespec(tv_sec: Int(moment.seconds), tv_nsec: Int(moment.fraction))
        guard futimens(descriptor, [time, time]) == 0 else { throw .last("futimens") }
    }
}

extension stat {
    var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
    var modified: Timestamp { Timestamp(seconds: Int64(st_mtim.tv_sec), nanoseconds: Int64(st_mtim.tv_nsec)) }
}
