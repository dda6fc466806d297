/// What the filesystem tells the engine. Posting never blocks and never fails.
package enum WriterEvent: Sendable {
    /// A writer opened this version: new, or one that is there. `track` tells its bytes from now on.
    case opened(OpenedVersion)
    /// `track` has news.
    case wrote(VersionID)
    /// The journal has a close, with this time. Others may still have it open.
    case acknowledged(VersionID, at: Timestamp)
    /// The last writer has gone. This or `torn` follows every `opened`, whether anything changed or not;
    /// if something did, the journal has the close already, with the time `at`. `isAuthorGone` tells whether the
    /// program has ended that wrote last; nil: nobody knows which.
    case closed(VersionID, size: Int64, at: Timestamp? = nil, isAuthorGone: (@Sendable () -> Bool)? = nil)
    /// The last writer has gone, and who wrote last was killed: kept, and not published by itself.
    case torn(VersionID, size: Int64, Failure)
    /// Renamed, or attributes changed: wait for the settling time anew.
    case touched(FileID)
    /// Its name now is of this class.
    case classified(FileID, NameClass)
    /// Unlinked, or another file was renamed over it: nothing of it shall be published any more.
    case removed(FileID)
    /// The journal owes something of this file's object, or owes it no more: it was renamed, or unlinked, after it was
    /// published.
    case owed(FileID)
    /// A write failed and the writer was told so: what there is must not be published.
    case spoiled(VersionID, Failure)
    /// Somebody waits for it: no settling time.
    case awaited(FileID)
    /// Somebody decided that what was interrupted is published as it is.
    case released(VersionID, at: Timestamp)
    /// Somebody wants what failed or waits to be tried now; nil: all of it.
    case retried(FileID?)
    /// Somebody gave this version up; the tree has forgotten it already.
    case discarded(VersionID)
    case paused(Bool)
    /// The spool is nearly full.
    case pressed
    /// Somebody is to be told, on any thread, when all that was posted before is known.
    case marked(@Sendable () -> Void)
}

package struct OpenedVersion: Sendable {
    package let version: VersionID
    package let file: FileID
    package let track: WriteTrack
    package let contentType: String
    package let nameClass: NameClass
    /// Where it lies.
    package let place: KnownPath?
    /// Made by this open; else it has a row in the journal (and perhaps an upload under way).
    package let isNew: Bool
    /// Its file has had another version before.
    package let isSuccessor: Bool

    package init(
        version: VersionID, file: FileID, track: WriteTrack, contentType: String, nameClass: NameClass, isNew: Bool,
        isSuccessor: Bool = false, at place: KnownPath? = nil
    ) {
        self.place = place
        self.isSuccessor = isSuccessor
        self.version = version
        self.file = file
        self.track = track
        self.contentType = contentType
        self.nameClass = nameClass
        self.isNew = isNew
    }
}

/// What a name says about its file. DESIGN, "Names".
package enum NameClass: Sendable, Hashable {
    case ordinary
    /// A temporary name: uploaded, but not published under it.
    case temporary
    /// Litter of an operating system: never leaves this machine.
    case litter
}

/// The engine as the filesystem sees it. Implemented by Engine/, called from FUSE threads: nothing
/// here waits.
package protocol Uploads: Sendable {
    func post(_ event: WriterEvent)

    /// What the whole queue looks like now, with so many files at the most.
    func overview(limit: Int) -> StatusOverview

    /// What one file's newest version looks like now; nil for one that was never written to.
    func status(of file: FileID) -> FileStatus?

    /// Calls `answer` once, when the file's newest version is settled (at once when it is already),
    /// on any thread. Takes the settling time away from it.
    func whenSettled(_ file: FileID, _ answer: @escaping @Sendable (FileStatus) -> Void) -> WaitToken

    /// The answer is no longer wanted. It may already be under way.
    func cancelWait(_ token: WaitToken)

    /// Calls `answer` once, on any thread: with nil as soon as the spool has room, with a failure when it had
    /// none for too long.
    /// - Parameter since: when it began to wait, if a signal had ended that wait; nil: now.
    func whenRoom(since: Duration?, _ answer: @escaping @Sendable (Failure?) -> Void) -> RoomWait

    /// - Returns: whether it still waited.
    func cancelRoom(_ wait: RoomWait) -> Bool
}

/// Somebody who waits for room in the spool.
package struct RoomWait: Sendable {
    package let token: WaitToken
    /// On the engine's stopwatch.
    package let since: Duration

    package init(token: WaitToken, since: Duration) {
        self.token = token
        self.since = since
    }
}

package struct WaitToken: Hashable, Sendable {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}
