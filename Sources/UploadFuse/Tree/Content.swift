import Synchronization
import UploadCore

/// The bytes of a file that is open, shared by all its handles.
///
/// What the journal says of the version changes with `isChanged`:
///
///     not changed ──first change: .reopened──▶ changed ──flush: .closed──▶ not changed
///
/// so the journal calls a version closed only while its spool file holds just what was closed.
final class Content: Sendable {
    // Dependencies.
    let file: FileID
    let context: WriterContext

    /// Taken after the tree's lock, if both. Held during a journal transaction, never while bytes move.
    let state: Mutex<State>

    /// Held while bytes become others, and until that is recorded: what was cut and what was written are to be known
    /// in the order in which they were made. The kernel sees to that but for O_TRUNC: an open(2) that cuts comes beside
    /// a write(2). Taken before all other locks here.
    let turn = Mutex<Void>(())

    /// By itself, since room may be made with the track's lock held.
    let debt = Mutex<Debt?>(nil)

    struct State: Sendable {
        var spoolFile: any SpoolFile
        /// Bytes, while nobody writes; else the track knows.
        var closedSize: Int64
        /// What has left the spool of it, at the destination: once somebody has read that.
        var remote: (any RemoteFile)?
        /// While there are writers.
        var track: WriteTrack?
        /// Bytes that have left the spool; while there are writers, the track knows.
        var keptReleased = RangeSet<Int64>()
        var writers = 0
        /// Handles of writers that were not flushed since they were opened, or since something was changed through
        /// them. Of the others the RELEASE is under way as a rule, but the next OPEN may overtake it.
        var unfinished: [ObjectIdentifier: Holder] = [:]

        /// Processes; 0: not known, or nobody.
        struct Holder: Sendable {
            var opener: Int32 = 0
            /// Who changed something through it last.
            var writer: Int32 = 0

            /// Whose close of it counts: who opened it may not have written yet.
            var user: Int32 { writer > 0 ? writer : opener }
        }
        var handles = 0
        /// New, or changed since the journal's last `.closed`.
        var isChanged: Bool
        /// The last write, as long as the journal does not have it.
        var modified: Timestamp?
        /// When the journal heard of the last close, if it did since this was opened.
        var closedAt: Timestamp?
        /// What a write failed with: from then on it stays failed, until it is begun anew.
        var failure: FileSystemError?
        /// With it, what was closed is not what the spool has, either.
        var isDamaged = false
        var isUnlinked = false
        /// Writes and cuts so far.
        var changes: UInt64 = 0
        /// How often the journal was told that a close which was on stable storage is void; and of how many that word
        /// is there, too.
        var reopenings: UInt64 = 0
        var keptReopenings: UInt64 = 0
        /// What is here was closed, and is not published yet: its bytes are promised, and must not change.
        var isPromised = false
        /// Versions of further names whose spool files are this one by another name, and that are not published: their
        /// closes. Void when the first byte changes.
        var shared: [VersionID: Timestamp] = [:]
        /// Who changed it, and whether they live.
        var authorship = Authorship()

        /// Writes and cuts that have begun and are not recorded yet.
        var changing = 0
        /// All that could write have closed it, and no write is under way.
        var isLeft: Bool { changing == 0 && unfinished.isEmpty }
        /// What the journal has of it is its last close: of some who gave that the RELEASE may still be under way.
        var isClosed: Bool {
            writers == 0 || isLeft && !isChanged && failure == nil && !isTorn && track?.hasLapsed != true
        }
        var version: VersionID { spoolFile.version }
        var size: Int64 { track?.size ?? closedSize }
        var released: RangeSet<Int64> { track?.released ?? keptReleased }
    }

    /// - Parameters:
    ///   - isNew: made by this open: the journal has never heard of a close.
    ///   - released: bytes that are not in the spool any more.
    ///   - failure: of writers before: what they left is not what they wanted.
    init(
        file: FileID, spoolFile: any SpoolFile, size: Int64, isNew: Bool, context: WriterContext,
        released: RangeSet<Int64> = RangeSet(), failure: FileSystemError? = nil
    ) {
        self.file = file
        self.context = context
        state = Mutex(
            State(
                spoolFile: spoolFile, closedSize: size, keptReleased: released, isChanged: isNew, failure: failure))
    }

    func locked<R: Sendable>(_ body: (inout State) throws(FileSystemError) -> R) throws(FileSystemError) -> R {
        try state.withLock { (state) throws(FileSystemError) -> R in try body(&state) }
    }

    func locked<R: Sendable>(_ body: (inout State) -> R) -> R {
        state.withLock { state in body(&state) }
    }

    func inTurn(_ body: () throws(FileSystemError) -> Void) throws(FileSystemError) {
        try turn.withLock { (_) throws(FileSystemError) in try body() }
    }

    var isClosed: Bool { locked(\.isClosed) }

    /// What was closed last is all here.
    var isWhole: Bool { locked { $0.released.isEmpty && ($0.failure == nil || !$0.isChanged && !$0.isDamaged) } }

    /// Nothing of it is here.
    var isAbsent: Bool { locked { $0.spoolFile is AbsentFile } }

    /// Size and time as they are at this moment.
    var live: (size: Int64, modified: Timestamp?) { locked { ($0.size, $0.modified) } }

    /// Where to read a range from, and how much of it there is; nil when some of it is no longer here.
    func readable(_ count: Int, at offset: Int64) -> (file: any SpoolFile, count: Int)? {
        locked { state in
            let count = min(Int64(count), max(0, state.size - offset))
            let released = state.released
            guard released.isEmpty || released.intersection(RangeSet(offset..<offset + count)).isEmpty else {
                return nil
            }
            return (state.spoolFile, Int(count))
        }
    }

    /// Made, or cut to nothing: that is a state, too, that somebody is in the middle of.
    func began(through handle: FileHandle, by thread: Int32) {
        locked { $0.began(through: handle, by: thread, context.processes) }
    }

    func unlinked() {
        locked { $0.isUnlinked = true }
    }

    /// utimensat(2) came after the last write: its time counts.
    func modificationTimeWasSet() {
        locked { $0.modified = nil }
    }
}

/// What every writer needs besides its bytes.
struct WriterContext: Sendable {
    let journal: any Journal
    let spool: any Spool
    let uploads: any Uploads
    let maximumFileSize: @Sendable () -> Int64?
    let now: @Sendable () -> Timestamp
    /// Who writes; nil when it does not matter who is killed.
    let processes: ProcessTable?
    /// Told once of each version that a write has spoiled.
    let report: @Sendable (FileID, Failure) -> Void
}
