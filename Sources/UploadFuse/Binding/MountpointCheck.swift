import CFuse
import Glibc

/// Everything that can be known to be wrong before libfuse is asked, so that each has its own answer.
package enum MountpointCheck {
    /// As mount(8) shows it.
    package static let fileSystemType = "fuse.uploadfs"

    /// - Returns: the mountpoint as an absolute path without symbolic links.
    static func check(_ mountpoint: String) throws(MountError) -> String {
        let path = try absolute(mountpoint)
        // First, for stat(2) on a dead mount fails in ways that say less.
        if MountTable.current().last(at: path)?.type == fileSystemType {
            var status = stat()
            throw .alreadyMounted(mountpoint, isAlive: stat(path, &status) == 0)
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure(mountpoint, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(mountpoint) }
        // fusermount3 asks for that of those who are not root; it says less about it.
        guard access(path, W_OK) == 0 || geteuid() == 0 else { throw .notPermitted(mountpoint) }
        try checkDevice()
        return path
    }

    private static func absolute(_ mountpoint: String) throws(MountError) -> String {
        guard let resolved = realpath(mountpoint, nil) else { throw failure(mountpoint, errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    package static func checkDevice() throws(MountError) {
        let descriptor = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            switch errno {
            case EACCES, EPERM: throw .deviceNotAccessible
            default: throw .deviceMissing
            }
        }
        close(descriptor)
    }

    private static func failure(_ mountpoint: String, _ code: Int32) -> MountError {
        switch code {
        case ENOENT: .mountpointMissing(mountpoint)
        case ENOTDIR: .notADirectory(mountpoint)
        case EACCES, EPERM: .notPermitted(mountpoint)
        case ENOTCONN: .other("\(mountpoint): a filesystem whose process is gone is mounted there")
        default: .other("\(mountpoint): \(String(cString: strerror(code)))")
        }
    }
}
