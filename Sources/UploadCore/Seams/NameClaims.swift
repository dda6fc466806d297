/// The tree of names as the engine sees it. Implemented by UploadFuse/Tree.
///
/// Names change at any time. While the engine publishes a file, its name must not: it is *claimed*,
/// and a rename in that moment is answered as for a published file.
package protocol NameClaims: Sendable {
    /// Where the file lies now; nil when it was unlinked.
    func path(of file: FileID) -> UploadPath?

    /// Holds the file's name, and tells it with what travels along. nil when it was unlinked.
    func claim(_ file: FileID) -> ClaimedName?

    /// Ends a claim.
    /// - Parameter published: whether the object is at the destination now.
    func release(_ file: FileID, published: Bool)
}

package struct ClaimedName: Sendable, Hashable {
    package let path: UploadPath
    package let modified: Timestamp
    package let mode: UInt32

    package init(path: UploadPath, modified: Timestamp, mode: UInt32) {
        self.path = path
        self.modified = modified
        self.mode = mode
    }
}
