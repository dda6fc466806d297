import Synchronization
package import UploadCore

/// The tree of names and what is open in it. Made before the engine, which needs its `NameClaims`.
///
/// Inode numbers are the journal's file numbers and never used twice, so generation 1 is right for
/// every inode of a mount.
package final class Namespace: Sendable {
    // Dependencies.
    let spool: any Spool
    let journal: any Journal
    let configuration: MountConfiguration
    let now: @Sendable () -> Timestamp

    /// Lock order: this, then `Content`'s, then those of `WriteTrack`, the journal and the engine's
    /// inbox. Reads and writes of open files don't take it, but for the first change of what is promised.
    ///
    /// Journal transactions (about 100 µs, no fsync) and the opening or making of a spool file are
    /// done under it, so that two calls can't journal against each other; events for the engine are
    /// posted under it, so that they arrive in the order of what they tell. What may take longer
    /// (reading, writing, cutting, fsync) and every reply comes after it.
    private let tree: Mutex<Tree>

    /// The tree's, to be read without its lock.
    let pathCount = PathCount()

    /// Reads the highest numbers, and makes the root directory in a new journal.
    package init(
        journal: any Journal, spool: any Spool, configuration: MountConfiguration,
        now: @escaping @Sendable () -> Timestamp
    ) throws(JournalError) {
        self.spool = spool
        self.journal = journal
        self.configuration = configuration
        self.now = now
        let root: NodeRecord
        if let kept = try journal.node(.root) {
            root = kept
        } else {
            let moment = now()
            root = NodeRecord(
                file: .root, parent: .root, name: nil, kind: .directory,
                attributes: NodeAttributes(
                    mode: 0o700, owner: configuration.owner, group: configuration.group, accessed: moment,
                    modified: moment, changed: moment))
            try journal.apply([.insertNode(root)])
        }
        tree = Mutex(try Tree(journal: journal, root: root, pathCount: pathCount))
    }

    func locked<R: Sendable>(
        _ body: (inout Tree) throws(FileSystemError) -> R
    ) throws(FileSystemError) -> R {
        try tree.withLock { (tree) throws(FileSystemError) -> R in try body(&tree) }
    }

    /// For what can't fail.
    func locked<R: Sendable>(_ body: (inout Tree) -> R) -> R {
        tree.withLock { tree in body(&tree) }
    }

    func journalled(_ changes: [JournalChange]) throws(FileSystemError) {
        do throws(JournalError) { try journal.apply(changes) } catch { throw .journal(error) }
    }
}
