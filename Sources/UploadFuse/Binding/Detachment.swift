import Glibc

/// Ways to end a mount from inside its own process, none of which needs the filesystem to answer.
enum Detachment {
    /// Takes the mountpoint out of the tree; who has files open goes on until they are closed, and
    /// then the session's loop ends by itself.
    /// - Returns: false when that could not be done.
    static func detach(_ mountpoint: String) -> Bool {
        if geteuid() == 0 {
            // EINVAL: it is no mountpoint any more, somebody was quicker.
            return umount2(mountpoint, Int32(MNT_DETACH)) == 0 || errno == EINVAL
        }
        return spawn(["fusermount3", "-u", "-z", "--", mountpoint])
    }

    /// Ends the connection: every call of those who still have files open fails from now on, and the
    /// session's loop ends.
    /// - Parameter connection: the minor of st_dev.
    /// - Returns: false when the kernel's control files can't be had.
    static func abort(connection: UInt32) -> Bool {
        let control = "/sys/fs/fuse/connections"
        if write("1", to: "\(control)/\(connection)/abort") { return true }
        // systemd mounts these; a container has them only when somebody does.
        guard geteuid() == 0, mount("fusectl", control, "fusectl", 0, nil) == 0 else { return false }
        defer { umount2(control, Int32(MNT_DETACH)) }
        return write("1", to: "\(control)/\(connection)/abort")
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) } > 0
    }

    /// posix_spawn, since a fork is no good in a process with threads.
    private static func spawn(_ arguments: [String]) -> Bool {
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process: pid_t = 0
        guard let program = pointers[0], posix_spawnp(&process, program, nil, nil, &pointers, environ) == 0 else {
            return false
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 { guard errno == EINTR else { return false } }
        return status == 0
    }
}
