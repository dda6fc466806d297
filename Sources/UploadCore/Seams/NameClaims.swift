/// The tree of names as the engine sees it. Implemented by UploadFuse/Tree.
///
/// Names change at any time. While the engine publishes a file, its name must not: it is *claimed*,
/// and a rename in that moment is answered as for a published file.
package protocol NameClaims: Sendable {
    /// Where the file lies now; nil when it was unlinked.
    /// - Throws: when nobody can tell.
    func path(of file: FileID) throws(JournalError) -> UploadPath?

    /// Grows with every change of where a file lies. What `path(of:)` has told holds as long as this is what it was
    /// before that was asked. Waits for nobody.
    var pathChanges: UInt64 { get }

    /// Holds the file's name, and tells it with what travels along. nil when it was unlinked.
    /// - Throws: when nobody can tell; then nothing is claimed.
    func claim(_ file: FileID) throws(JournalError) -> ClaimedName?

    /// As `claim`, without holding it.
    func name(of file: FileID) throws(JournalError) -> ClaimedName?

    /// The object of a file was copied to where the file lay when that began: journals where it is now, and that it is
    /// to follow the file on, or be deleted, if that has gone meanwhile.
    func placed(_ owed: OwedMove, _ copy: CopiedObject) throws(JournalError)

    /// How many names have been given up so far: unlinked, replaced, or renamed. Nothing is published before the
    /// journal's word for that is on stable storage: else a power loss could bring back what had the name before,
    /// and it would be published over the newer.
    var namesGivenUp: UInt64 { get }

    /// Takes a published version's bytes out of what can be read here: the journal has `evicted` then, and the
    /// spool file may go.
    /// - Returns: false when it is not to be: somebody writes to it.
    func evict(_ file: FileID, _ version: VersionID) throws(JournalError) -> Bool

    /// Ends a claim.
    /// - Parameter published: whether the object is at the destination now.
    func release(_ file: FileID, published: Bool)
}

/// Where a file lies, and as of which change of paths (`NameClaims.pathChanges`) that is known.
package struct KnownPath: Sendable, Hashable {
    package let path: UploadPath
    package let changes: UInt64

    package init(path: UploadPath, changes: UInt64) {
        self.path = path
        self.changes = changes
    }

    /// Asks where a file lies now.
    /// - Returns: nil when it has no name any more, or nobody can tell at the moment.
    package init?(asked file: FileID, of names: any NameClaims) {
        // First this: a change after it shows.
        let changes = names.pathChanges
        guard let path = try? names.path(of: file) else { return nil }
        self.init(path: path, changes: changes)
    }
}

package struct ClaimedName: Sendable, Hashable {
    package let path: UploadPath
    package let modified: Timestamp
    package let mode: UInt32
    /// How many names had been given up by then.
    package let namesGivenUp: UInt64
    /// A hard link: once it is published nobody needs its bytes here, since they are read by the node's first name.
    package let isFurtherName: Bool
    /// Another one after the file, or a directory, was renamed.
    package let mark: Mark

    package struct Mark: Sendable, Hashable {
        /// When the file's attributes or its name changed last.
        let changed: Timestamp
        /// Directories that were renamed so far, any of them.
        let directoriesMoved: UInt64

        package init(changed: Timestamp, directoriesMoved: UInt64) {
            self.changed = changed
            self.directoriesMoved = directoriesMoved
        }
    }

    package init(
        path: UploadPath, modified: Timestamp, mode: UInt32, namesGivenUp: UInt64, isFurtherName: Bool = false,
        mark: Mark
    ) {
        self.namesGivenUp = namesGivenUp
        self.isFurtherName = isFurtherName
        self.path = path
        self.modified = modified
        self.mode = mode
        self.mark = mark
    }
}
