import Synchronization
import UploadCore

/// One opendir(3). The names it has told are its offsets: a name that comes or goes meanwhile moves
/// none of the others, and what is told is told once.
final class DirectoryHandle: Sendable {
    let inode: UInt64

    /// In the order they were told. Grows only while somebody lists, and goes with closedir.
    private let told = Mutex<[FileName]>([])

    init(inode: UInt64) {
        self.inode = inode
    }

    /// rewinddir(3): begins anew with what is there then.
    func rewind() {
        told.withLock { $0.removeAll() }
    }

    func name(at index: Int) -> FileName? {
        told.withLock { $0.indices.contains(index) ? $0[index] : nil }
    }

    var last: FileName? { told.withLock(\.last) }
    var count: Int { told.withLock(\.count) }

    func tell(_ name: FileName) {
        told.withLock { $0.append(name) }
    }
}
