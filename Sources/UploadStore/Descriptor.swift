import Glibc

/// Owns one open file descriptor, and closes it when it goes away.
///
/// close(2) may tell of bytes that never reached the disk, so its failure is not dropped: it goes to
/// whoever was named when the descriptor was opened. Linux has given the number back even then
/// (EINTR too), so it is never closed twice.
struct Descriptor: ~Copyable, Sendable {
    let number: Int32
    private let closeFailed: @Sendable (SystemFailure) -> Void

    private init(number: Int32, closeFailed: @escaping @Sendable (SystemFailure) -> Void) {
        self.number = number
        self.closeFailed = closeFailed
    }

    deinit {
        if Glibc.close(number) != 0 { closeFailed(SystemFailure("close")) }
    }

    /// openat(2), always with O_CLOEXEC and O_NOFOLLOW: nobody may put a link in our place.
    /// - Parameters:
    ///   - directory: whose descriptor `name` starts from; nil: an ordinary path.
    ///   - mode: for O_CREAT.
    ///   - closeFailed: called at most once, on the thread that let go of it last.
    static func open(
        _ name: String, in directory: Int32? = nil, flags: Int32, mode: mode_t = 0o600,
        closeFailed: @escaping @Sendable (SystemFailure) -> Void = SystemFailure.say
    ) throws(SystemFailure) -> Descriptor {
        let number = try SystemFailure.retrying("open") {
            openat(directory ?? AT_FDCWD, name, flags | O_CLOEXEC | O_NOFOLLOW, mode)
        }
        return Descriptor(number: number, closeFailed: closeFailed)
    }

    /// Makes sure that `path` is a directory of ours (0700) which nobody else can enter, and opens it.
    /// A new one's entry in its parent is on stable storage when this returns. The parent must be there.
    static func openPrivateDirectory(_ path: String) throws(PrivateDirectoryError) -> Descriptor {
        let directory = try SystemFailure.translating(PrivateDirectoryError.system) {
            () throws(SystemFailure) in try makeDirectory(path)
        }
        let status = try SystemFailure.translating(PrivateDirectoryError.system) {
            () throws(SystemFailure) in try directory.status()
        }
        guard status.st_uid == geteuid() else { throw .foreign(owner: status.st_uid) }
        if status.st_mode & 0o7777 != 0o700 {
            try SystemFailure.translating(PrivateDirectoryError.system) { () throws(SystemFailure) in
                try SystemFailure.retrying("fchmod") { fchmod(directory.number, 0o700) }
            }
        }
        return directory
    }

    private static func makeDirectory(_ path: String) throws(SystemFailure) -> Descriptor {
        if mkdir(path, 0o700) == 0 {
            try Descriptor.open(path + "/..", flags: O_RDONLY | O_DIRECTORY).synchronize()
        } else if errno != EEXIST {
            throw SystemFailure("mkdir")
        }
        return try Descriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
    }

    func status() throws(SystemFailure) -> stat {
        var status = stat()
        try SystemFailure.retrying("fstat") { fstat(number, &status) }
        return status
    }

    /// fsync(2).
    func synchronize() throws(SystemFailure) {
        try SystemFailure.retrying("fsync") { fsync(number) }
    }

    /// fdatasync(2): the bytes, and what is needed to find them again.
    func synchronizeData() throws(SystemFailure) {
        try SystemFailure.retrying("fdatasync") { fdatasync(number) }
    }
}

enum PrivateDirectoryError: Error {
    case system(SystemFailure)
    /// It belongs to this user id, not to us.
    case foreign(owner: UInt32)
}
