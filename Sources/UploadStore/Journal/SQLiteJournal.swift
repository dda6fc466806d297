package import UploadCore
import GRDB
import Glibc
import Synchronization

/// The journal as an SQLite database in WAL mode.
///
/// **Connections.** One writes, behind GRDB's serial queue; others read. FUSE threads look names up
/// while the engine writes, and in WAL mode neither waits for the other. A further connection only
/// checkpoints, so that a checkpoint's fsyncs don't stand in the writers' queue. Every statement is
/// compiled once for each connection.
///
/// **kill -9.** A commit is a write(2) to the WAL (`synchronous=NORMAL`: no fsync). What the kernel
/// has, it keeps without us; the next open finds it in the WAL.
///
/// **Power loss.** See `synchronize()`.
///
/// The one type that owns schema and writes is this one: `+Schema` has the migrations, `+Changes` the
/// writes, `+Reading` the queries.
package final class SQLiteJournal: Journal {
    private let writer: DatabaseQueue
    let readers: JournalReaders
    /// Something may be owed of published objects: as long as that has never been, nobody need look.
    let mayOweMoves: Atomic<Bool>
    private let checkpointer: DatabaseQueue
    /// The WAL file, for fdatasync. A descriptor of our own is allowed for this file alone: closing one
    /// of the database file itself would drop SQLite's POSIX locks on it.
    private let log: Descriptor
    private let directory: Descriptor
    private let durability = Mutex(Durability())

    private struct Durability {
        var isEntryDurable = false
        /// A failed fsync can't be tried again: the kernel takes the lost pages for clean.
        var failure: JournalError?
    }

    /// Above this the WAL is cut back to nothing, which for a moment holds writers up; below, its
    /// space is used again as soon as a checkpoint has caught up with the writers. Frames of one page.
    private static let longestLog = 16384

    /// As many as read at once where every request and every call of the filesystem does; one more is opened for its
    /// read alone.
    private static let mostReaders = 32

    /// Opens or creates the database (mode 0600), brings its schema up to date and makes sure that
    /// there is a root directory (mode 0700, owned by us).
    /// - Parameters:
    ///   - path: of the database; SQLite makes `path-wal` and `path-shm` beside it.
    ///   - now: the times of a new root directory.
    /// - Throws: `.database` also when a newer uploadfs wrote it.
    package init(path: String, now: Timestamp) throws(JournalError) {
        do throws(SystemFailure) {
            try Self.prepareFile(path)
        } catch {
            throw JournalError(error)
        }
        let owesMoves: Bool
        (writer, checkpointer, owesMoves) = try JournalError.translating {
            var configuration = Self.configuration()
            configuration.journalMode = .wal
            let writer = try DatabaseQueue(path: path, configuration: configuration)
            try Self.migrate(writer, now: now)
            let owesMoves = try writer.read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM owed_move)") }
            return (writer, try DatabaseQueue(path: path, configuration: Self.configuration()), owesMoves ?? true)
        }
        readers = JournalReaders(most: Self.mostReaders) {
            try DatabaseQueue(path: path, configuration: Self.configuration(isReading: true))
        }
        mayOweMoves = Atomic(owesMoves)
        do throws(SystemFailure) {
            log = try Descriptor.open(path + "-wal", flags: O_RDWR)
            directory = try Descriptor.open(Self.parent(of: path), flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw JournalError(error)
        }
    }

    package func apply(_ changes: [JournalChange]) throws(JournalError) {
        guard !changes.isEmpty else { return }
        try JournalError.translating {
            // First this: who asks after the commit has to see it.
            if changes.contains(where: \.owesMove) { mayOweMoves.store(true, ordering: .releasing) }
            try writer.inDatabase { database in
                // As `inTransaction` does it, which compiles both statements every time.
                try database.run("BEGIN IMMEDIATE TRANSACTION")
                do {
                    for change in changes { try Self.apply(change, to: database) }
                    try database.run("COMMIT TRANSACTION")
                } catch {
                    // Some errors have ended it already (https://www.sqlite.org/lang_transaction.html).
                    if database.isInsideTransaction { try? database.run("ROLLBACK TRANSACTION") }
                    throw error
                }
            }
        }
    }

    /// On stable storage when it returns: everything applied before.
    ///
    /// A commit that returned has its frames in the WAL file, or a checkpoint has moved them on since.
    /// - In the WAL: fdatasync writes all of them and the file's length; after a power loss SQLite
    ///   replays every transaction whose frames are whole, and these are. The file's name is made
    ///   durable by the first call.
    /// - Moved on: SQLite syncs the WAL before it copies frames into the database, syncs the database
    ///   before it calls them copied, and syncs the header when it begins the WAL anew (all of that at
    ///   NORMAL, https://www.sqlite.org/pragma.html#pragma_synchronous), so none is ever only in a page cache.
    ///
    /// This is our own fdatasync, not a commit at synchronous=FULL, so that writers go on meanwhile.
    package func synchronize() throws(JournalError) {
        let before = durability.withLock { $0 }
        if let failure = before.failure { throw failure }
        do throws(SystemFailure) {
            try log.synchronizeData()
            if !before.isEntryDurable { try directory.synchronize() }
        } catch {
            let failure = JournalError(error)
            durability.withLock { $0.failure = failure }
            throw failure
        }
        if !before.isEntryDurable { durability.withLock { $0.isEntryDurable = true } }
    }

    /// Moves what the WAL holds into the database, so that the WAL's space is used again. Takes as long
    /// as the disk does: for a background thread, every few seconds. Never happens by itself.
    package func checkpoint() throws(JournalError) {
        try JournalError.translating {
            // Passive: readers and writers go on meanwhile.
            let length = try checkpointer.inDatabase { database in
                // Throws when it is closed; the checkpoint itself would hand SQLite a null pointer.
                try database.execute(sql: "SELECT 1")
                return try database.checkpoint(.passive).walFrameCount
            }
            guard length > Self.longestLog else { return }
            do {
                try writer.inDatabase { _ = try $0.checkpoint(.truncate) }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                // A reader from outside (sqlite3 on the command line) holds on to it. Next time.
            }
        }
    }

    /// Checkpoints and closes; the WAL is gone afterwards. Nobody may be in another call meanwhile; later
    /// calls throw `.database`.
    package func close() throws(JournalError) {
        try JournalError.translating {
            // The last connection to close checkpoints everything and deletes the WAL. It must be one that
            // may write.
            try readers.close()
            try checkpointer.close()
            try writer.close()
        }
    }

    // MARK: Opening

    private static func configuration(isReading: Bool = false) -> Configuration {
        var configuration = Configuration()
        configuration.label = "journal"
        configuration.readonly = isReading
        // Only ever waits for somebody outside of this process: our own writers queue up before SQLite.
        configuration.busyMode = .timeout(5)
        // A checkpoint inside a commit would make a filesystem call wait for the disk.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
        return configuration
    }

    /// SQLite would create the file as the umask says; `-wal` and `-shm` then take over its mode.
    private static func prepareFile(_ path: String) throws(SystemFailure) {
        do throws(SystemFailure) {
            _ = try Descriptor.open(path, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        } catch {
            guard error.errno == EEXIST else { throw error }
            // By its path: opening and closing it here would drop the locks of a connection that is open.
            try SystemFailure.retrying("chmod") { chmod(path, 0o600) }
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
