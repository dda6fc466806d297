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

    struct State: Sendable {
        var spoolFile: any SpoolFile
        /// Bytes, while nobody writes; else the track knows.
        var closedSize: Int64
        /// While there are writers.
        var track: WriteTrack?
        var writers = 0
        var handles = 0
        /// New, or changed since the journal's last `.closed`.
        var isChanged: Bool
        /// The last write, as long as the journal does not have it.
        var modified: Timestamp?
        /// When the journal heard of the last close, if it did since this was opened.
        var closedAt: Timestamp?
        /// What a write failed with: from then on it stays failed, until it is begun anew.
        var failure: FileSystemError?
        var isUnlinked = false

        var version: VersionID { spoolFile.version }
        var size: Int64 { track?.size ?? closedSize }
    }

    /// - Parameter isNew: made by this open: the journal has never heard of a close.
    init(file: FileID, spoolFile: any SpoolFile, size: Int64, isNew: Bool, context: WriterContext) {
        self.file = file
        self.context = context
        state = Mutex(State(spoolFile: spoolFile, closedSize: size, isChanged: isNew))
    }

    func locked<R: Sendable>(_ body: (inout State) throws(FileSystemError) -> R) throws(FileSystemError) -> R {
        try state.withLock { (state) throws(FileSystemError) -> R in try body(&state) }
    }

    func locked<R: Sendable>(_ body: (inout State) -> R) -> R {
        state.withLock { state in body(&state) }
    }

    /// Size and time as they are at this moment.
    var live: (size: Int64, modified: Timestamp?) { locked { ($0.size, $0.modified) } }

    /// Where to read `range` from, and how much of it there is.
    func readable(_ count: Int, at offset: Int64) -> (file: any SpoolFile, count: Int) {
        locked { state in
            let rest = max(0, state.size - offset)
            return (state.spoolFile, Int(min(Int64(count), rest)))
        }
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
    let uploads: any Uploads
    let maximumFileSize: @Sendable () -> Int64?
    let now: @Sendable () -> Timestamp
    /// Told once of each version that a write has spoiled.
    let report: @Sendable (FileID, Failure) -> Void
}
