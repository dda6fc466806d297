import Glibc
import Synchronization
import UploadCore

/// A real spool file in the temporary directory, without a name, so that it goes with its last user.
final class TemporaryFile: SpoolFile {
    let version = VersionID(1)
    let descriptor: Int32
    /// Bytes that were read so far.
    let bytesRead = ByteCounter()
    private let failure = Mutex<SpoolError?>(nil)

    /// - Parameters:
    ///   - size: bytes that it has.
    ///   - seed: other seeds give other bytes.
    init(size: Int64, seed: UInt64 = 1) throws(SpoolError) {
        var template = Array("/tmp/uploadfs-test-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw .system(call: "mkstemp", errno: errno) }
        unlink(template)
        // The same block again and again, but for its beginning: making it costs more than writing it.
        var block = Self.bytes(count: 1 << 20, seed: seed)
        for offset in stride(from: 0, to: size, by: block.count) {
            withUnsafeBytes(of: offset) { block.replaceSubrange(0..<8, with: $0) }
            try write(Array(block.prefix(Int(min(Int64(block.count), size - offset)))), at: offset)
        }
    }

    deinit {
        close(descriptor)
    }

    /// The same for the same seed, and different for others.
    static func bytes(count: Int, seed: UInt64) -> [UInt8] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            // xorshift64, a word at a time: these files are large and tests are built for debugging.
            let words = UnsafeMutableRawBufferPointer(buffer)
            for index in 0..<count / 8 {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                words.storeBytes(of: state, toByteOffset: index * 8, as: UInt64.self)
            }
            for index in count / 8 * 8..<count { words[index] = UInt8(truncatingIfNeeded: index) }
            filled = count
        }
    }

    /// From now on every read fails so.
    func fail(with error: SpoolError) {
        failure.withLock { $0 = error }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SpoolError) -> Int {
        if let failure = failure.withLock({ $0 }) { throw failure }
        let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
        guard count >= 0 else { throw .system(call: "pread", errno: errno) }
        bytesRead.add(Int64(count))
        return count
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SpoolError) {
        guard pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset)) == bytes.count else {
            throw .system(call: "pwrite", errno: errno)
        }
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(SpoolError) {
        try bytes.withUnsafeBytes { bytes in Result { () throws(SpoolError) in try write(bytes, at: offset) } }.get()
    }

    /// Nobody makes room here.
    func punch(_ range: Range<Int64>) throws(SpoolError) {}
    func allocate(_ range: Range<Int64>, keepingSize: Bool) throws(SpoolError) {}
    func next(_ kind: SpoolExtent, from offset: Int64) throws(SpoolError) -> Int64? { nil }
    func measure() {}
    func truncate(to size: Int64) throws(SpoolError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw .system(call: "ftruncate", errno: errno) }
    }

    func size() throws(SpoolError) -> Int64 {
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0 else { throw .system(call: "lseek", errno: errno) }
        return Int64(size)
    }

    func blocks() throws(SpoolError) -> Int64 { try size() / 512 }
    func synchronize() throws(SpoolError) {}
}
