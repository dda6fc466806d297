import UploadCore

/// Bytes of one write(2), wherever the kernel left them (memory or a pipe).
protocol ByteSource: ~Copyable {
    var count: Int { get }

    /// Stores all of them, or throws. Called at most once.
    func store(in file: any SpoolFile, at offset: Int64) throws(SpoolError)
}

/// Bytes in memory.
struct MemorySource: ByteSource {
    let bytes: UnsafeRawBufferPointer

    var count: Int { bytes.count }

    func store(in file: any SpoolFile, at offset: Int64) throws(SpoolError) {
        try file.write(bytes, at: offset)
    }
}
