import CFuse
import Dispatch
import Synchronization

/// Tells the kernel what it no longer knows right.
///
/// `@unchecked Sendable`: `session` is used on `queue` only, and gone from there before libfuse frees it.
final class KernelNotices: @unchecked Sendable {
    let queue = DispatchQueue(label: "uploadfs.notices")
    private var session: OpaquePointer?

    func open(_ session: OpaquePointer) {
        // Proof: libfuse's session may be used by any thread, and outlives `close`.
        nonisolated(unsafe) let session = session
        queue.sync { self.session = session }
    }

    /// When it returns the session is used no more.
    func close() {
        queue.sync { session = nil }
    }

    /// On `queue`. What the kernel does not know (ENOENT) need not be told.
    func send(_ change: KernelCaches.Change) {
        guard let session else { return }
        switch change {
        case .entry(let parent, let name):
            _ = fuse_lowlevel_notify_inval_entry(session, parent, name, name.utf8.count)
        case .inode(let inode):
            _ = fuse_lowlevel_notify_inval_inode(session, inode, 0, 0)
        }
    }
}
