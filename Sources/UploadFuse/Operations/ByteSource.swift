import UploadCore

/// Bytes of one write(2), wherever the kernel left them (memory or a pipe).
protocol ByteSource: ~Copyable {
    var count: Int { get }

    /// Stores all of them, or throws. Called at most once.
    func store(in file: any SpoolFile, at offset: Int64) throws(SpoolError)

    /// All of them in memory; instead of `store`.
    func bytes() throws(SpoolError) -> [UInt8]
}

/// Bytes in memory.
struct MemorySource: ByteSource {
    let memory: UnsafeRawBufferPointer

    init(bytes: UnsafeRawBufferPointer) {
        memory = bytes
    }

    var count: Int { memory.count }

    func store(in file: any SpoolFile, at offset: Int64) throws(SpoolError) {
        try file.write(memory, at: offset)
    }

    func bytes() throws(SpoolError) -> [UInt8] { Array(memory) }
}
