import Glibc

/// Reads a directory's names.
enum SpoolListing {
    /// The files in it, and the bytes that each occupies on the disk.
    static func occupied(in directory: Int32) throws(SystemFailure) -> [(name: String, bytes: Int64)] {
        var files: [(name: String, bytes: Int64)] = []
        for name in try names(in: directory) {
            var status = stat()
            guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG
            else { continue }
            files.append((name, Int64(status.st_blocks) * 512))
        }
        return files
    }

    /// - Parameter directory: an open descriptor of it, which is left as it is.
    static func names(in directory: Int32) throws(SystemFailure) -> [String] {
        // A descriptor of its own: closedir(3) closes what it is given, and the position is shared by a dup(2).
        let own = try SystemFailure.retrying("open") { openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(own) else {
            let failure = SystemFailure("fdopendir")
            close(own)
            throw failure
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemFailure("readdir") }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
                start.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            names.append(name)
        }
    }
}
