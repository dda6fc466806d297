import Glibc
import UploadCore
import UploadFuse
import UploadStore

/// Looks at a mountpoint before anything is begun.
enum Mountpoint {
    /// - Throws: CommandFailure when it can't be mounted upon. What an uploadfs that died left mounted
    ///   there is detached first.
    static func check(_ path: String) throws(CommandFailure) {
        var information = stat()
        if stat(path, &information) != 0, errno == ENOTCONN {
            guard
                umount2(path, Int32(MNT_DETACH.rawValue)) == 0
                    || ChildProcess.run("fusermount3", ["-u", "-z", path]) == 0
            else {
                throw CommandFailure(
                    .failure,
                    "\(path) is still mounted by a filesystem that has died, and can't be detached. As root: umount -l \(path)"
                )
            }
        }
        guard stat(path, &information) == 0 else {
            switch errno {
            case ENOENT:
                throw CommandFailure(.configuration, "The mountpoint \(path) does not exist. Make it: mkdir -p \(path)")
            case EACCES: throw CommandFailure(.permission, "The mountpoint \(path) can't be reached by this user.")
            case let code:
                throw CommandFailure(
                    .configuration, "The mountpoint \(path) can't be used: \(String(cString: strerror(code))).")
            }
        }
        guard information.st_mode & S_IFMT == S_IFDIR else {
            throw CommandFailure(.configuration, "The mountpoint \(path) is not a directory.")
        }
        if let entry = try MountTable.entries().last(where: { $0.mountpoint == path }), entry.type == "fuse.uploadfs" {
            throw CommandFailure(
                .failure, "An uploadfs is mounted on \(path) already. Unmount it first: uploadfs unmount \(path)")
        }
        guard access("/dev/fuse", R_OK | W_OK) == 0 else {
            if errno == ENOENT {
                throw CommandFailure(
                    .configuration,
                    "/dev/fuse is missing: load the kernel's FUSE module (modprobe fuse), or give the container that device."
                )
            }
            throw CommandFailure(
                .permission, "/dev/fuse may not be used by this user: \(String(cString: strerror(errno))).")
        }
    }
}

extension CommandFailure {
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
            self.init(.configuration, "The spool in \(path) can't be used: \(FailureSentences.spool(error).reason)")
        case .journal(let error):
            self.init(.configuration, "The journal in \(path) can't be used: \(FailureSentences.journal(error).reason)")
        }
    }
}
