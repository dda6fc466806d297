import UploadCore

/// What read(2) gets.
enum ReadAnswer {
    /// So many bytes of a spool file, from there on.
    case spool(any SpoolFile, offset: Int64, count: Int)
    case bytes(ArraySlice<UInt8>)
    /// Later. The binding calls it, and answers when the waiter does.
    case parked(Waiter)
}

/// A wait that has not begun: begins with a closure for the answer, and gives one that ends it.
struct Waiter: Sendable {
    typealias Answer = @Sendable (Result<ArraySlice<UInt8>, FileSystemError>) -> Void

    /// `answer` is called at most once, perhaps before this returns.
    let begin: @Sendable (_ answer: @escaping Answer) -> (@Sendable () -> Void)
}

/// The hot path: the handle leads to the content, and nothing here takes the tree's lock.
extension FileSystem {
    func read(_ handle: OpenHandle, _ count: Int, at offset: Int64) throws(FileSystemError) -> ReadAnswer {
        guard offset >= 0 else { throw .invalid }
        switch handle {
        case .file(let handle):
            let readable = handle.content.readable(count, at: offset)
            return .spool(readable.file, offset: offset, count: readable.count)
        case .status(let text): return .bytes(text.slice(count, at: offset))
        case .wait(let wait): return wait.read(count, at: offset)
        case .directory: throw .isDirectory
        }
    }

    func write(_ handle: OpenHandle, _ source: some ByteSource, at offset: Int64) throws(FileSystemError) -> Int {
        guard case .file(let handle) = handle, handle.isWriter, offset >= 0 else { throw .badHandle }
        return try handle.content.write(source, at: offset)
    }
}
