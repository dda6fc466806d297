import Glibc
package import UploadCore

// UploadStore keeps on this machine's disk what must outlive a crash:
// - `Spool/` the bytes that writers gave us: a sparse file per version;
// - `Journal/` the tree and every upload: an SQLite database;
// - this directory, which holds both and lets in one process at a time.
// It decides nothing about uploads, knows no destination and no FUSE: the engine and the filesystem
// call it through UploadCore/Seams. Only Journal/ imports GRDB.

/// What one mount keeps between its lives: `lock`, `spool/` and `journal.sqlite`, in a directory that
/// only its owner can enter.
///
/// The lock is flock(2): the kernel lets go of it when the process ends, however it ends. It belongs
/// to the open file, so open this after any fork, or parent and child both hold it.
package final class StateDirectory: Sendable {
    /// Absolute, without links.
    package let path: String
    package let spool: DirectorySpool
    package let journal: SQLiteJournal
    private let lock: StateLock
    /// Where spool files lie now that were there without a journal; nil: there were none.
    package let lostSpool: String?

    /// Opens it, or makes it with the directories above it (0700 each).
    /// - Parameters:
    ///   - path: may be relative, and may be a link to a directory of ours.
    ///   - now: the times of the root directory in a new journal.
    ///   - spoolLimit: told the spool's directory and the bytes that are in it, says how many there may be.
    package init(
        path: String, now: Timestamp, spoolLimit: (_ directory: String, _ used: Int64) -> Int64 = { _, _ in .max }
    ) throws(StateDirectoryError) {
        do throws(SystemFailure) {
            try Self.makeDirectories(path)
            self.path = try Self.resolved(path)
        } catch {
            throw StateDirectoryError(error)
        }
        let directory: Descriptor
        do throws(PrivateDirectoryError) {
            directory = try Descriptor.openPrivateDirectory(self.path)
        } catch {
            switch error {
            case .foreign(let owner): throw .foreign(owner: owner)
            case .system(let failure): throw StateDirectoryError(failure)
            }
        }
        lock = try StateLock.take(in: directory.number)
        do throws(SystemFailure) {
            lostSpool = try Self.setAsideLost(self.path, now: now)
        } catch {
            throw StateDirectoryError(error)
        }
        do throws(SpoolError) {
            spool = try DirectorySpool(directory: self.path + "/spool", limit: spoolLimit)
        } catch {
            throw .spool(error)
        }
        do throws(JournalError) {
            journal = try SQLiteJournal(path: self.path + "/journal.sqlite", now: now)
        } catch {
            throw .journal(error)
        }
    }

    /// Closes the journal. The lock goes with the last reference to this object.
    package func close() throws(JournalError) {
        try journal.close()
    }

    /// A journal that is gone takes the names of the spool's files with it, and a new one would give their numbers
    /// out again. Nobody but a person can tell what they are.
    private static func setAsideLost(_ path: String, now: Timestamp) throws(SystemFailure) -> String? {
        let spool = path + "/spool"
        guard access(path + "/journal.sqlite", F_OK) != 0, access(spool, F_OK) == 0 else { return nil }
        let directory = try Descriptor.open(spool, flags: O_RDONLY | O_DIRECTORY)
        guard try SpoolListing.names(in: directory.number).contains(where: { !$0.hasPrefix(".") }) else { return nil }
        let aside = spool + ".lost-\(now.seconds)"
        try SystemFailure.retrying("rename") { rename(spool, aside) }
        return aside
    }

    // MARK: The path

    /// mkdir -p, by whoever it belongs to above.
    private static func makeDirectories(_ path: String) throws(SystemFailure) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        let failure = SystemFailure("mkdir")
        guard failure.errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw failure
        }
        try makeDirectories(String(path[..<slash]))
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw SystemFailure("mkdir") }
    }

    private static func resolved(_ path: String) throws(SystemFailure) -> String {
        guard let real = realpath(path, nil) else { throw SystemFailure("realpath") }
        defer { free(real) }
        return String(cString: real)
    }
}

package enum StateDirectoryError: Error, Sendable, Hashable {
    /// Another process uses it; nil when it can't be told which.
    case inUse(pid: Int32?)
    /// It belongs to this user id, not to us: what is in it can't be trusted.
    case foreign(owner: UInt32)
    /// Something else than a directory is there.
    case notADirectory
    case system(call: String, errno: Int32)
    case spool(SpoolError)
    case journal(JournalError)
}

extension StateDirectoryError {
    init(_ failure: SystemFailure) {
        switch failure.errno {
        case ENOTDIR: self = .notADirectory
        default: self = .system(call: failure.call, errno: failure.errno)
        }
    }
}
