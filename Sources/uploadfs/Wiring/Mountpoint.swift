import Glibc
import UploadCore
import UploadFuse
import UploadStore

/// A mountpoint before anything is begun there.
enum Mountpoint {
    /// Detaches what an uploadfs that died left mounted there.
    static func clear(_ path: String) throws(CommandFailure) {
        while isDead(path) {
            guard umount2(path, Int32(MNT_DETACH)) == 0 || ChildProcess.run("fusermount3", ["-u", "-z", path]) == 0
            else {
                throw CommandFailure(
                    .failure,
                    "\(path) is still mounted by a filesystem that has died, and can't be detached. As root: umount -l \(path)"
                )
            }
        }
    }

    /// statfs(2) is never answered from the kernel's cache, as stat(2) may be for a second after the death.
    private static func isDead(_ path: String) -> Bool {
        var information = statvfs()
        // ECONNABORTED: it died while it was asked.
        return statvfs(path, &information) != 0 && (errno == ENOTCONN || errno == ECONNABORTED)
    }
}

extension CommandFailure {
    init(_ error: MountError) {
        switch error {
        case .mountpointMissing(let path):
            self.init(.configuration, "The mountpoint \(path) does not exist. Make it: mkdir -p \(path)")
        case .notADirectory(let path):
            self.init(.configuration, "The mountpoint \(path) is not a directory.")
        case .alreadyMounted(let path, _):
            self.init(
                .failure, "An uploadfs is mounted on \(path) already. Unmount it first: uploadfs unmount \(path)")
        case .notPermitted(let path):
            self.init(.permission, "This user may not mount on \(path): it must be able to write there.")
        case .deviceMissing:
            self.init(
                .configuration,
                "/dev/fuse is missing: load the kernel's FUSE module (modprobe fuse), or give the container that device."
            )
        case .deviceNotAccessible:
            self.init(.permission, "/dev/fuse may not be used by this user.")
        case .other(let detail):
            self.init(.failure, "The mount failed: \(detail).")
        }
    }

    init(_ error: StateDirectoryError, path: String) {
        switch error {
        case .inUse(let process):
            self.init(
                .failure,
                "The state directory \(path) is in use by another uploadfs\(process.map { " (pid \($0))" } ?? ""). Unmount that one first, or name another place with --state-dir."
            )
        case .foreign(let owner):
            self.init(
                .permission,
                "The state directory \(path) belongs to user \(owner), not to you. Name another with --state-dir.")
        case .notADirectory:
            self.init(.configuration, "The state directory \(path) is not a directory. Name another with --state-dir.")
        case .system(let call, let code):
            self.init(
                code == EACCES || code == EPERM ? .permission : .configuration,
                "The state directory \(path) can't be used: \(call): \(String(cString: strerror(code))). Name another with --state-dir."
            )
        case .spool(let error):
            let failure = FailureSentences.spool(error)
            self.init(.configuration, "The spool in \(path) can't be used: \(failure.reason) \(failure.remedy)")
        case .journal(let error):
            self.init(.configuration, Self.sentence(error, path))
        }
    }

    private static func sentence(_ error: JournalError, _ path: String) -> String {
        switch error {
        case .damaged(let message):
            "The journal \(path)/journal.sqlite is damaged (\(message)). Move it away (mv \(path)/journal.sqlite \(path)/journal.damaged): the next mount begins a new one, and keeps what the spool has in \(path)/spool.lost-…, a file each."
        case .newer:
            "The journal in \(path) was written by a newer uploadfs. Use that one, or name another place with --state-dir."
        case .database(_, let message):
            "The journal in \(path) can't be used: \(message). See to the disk and its permissions, or name another place with --state-dir."
        case .noSpace:
            "The journal in \(path) can't be used: its disk is full. Make room there, or name another place with --state-dir."
        }
    }
}
