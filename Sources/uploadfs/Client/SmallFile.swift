import Glibc

/// Files that are read at one go.
enum SmallFile {
    /// - Throws: CommandFailure that names the file and why.
    static func read(_ path: String) throws(CommandFailure) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, errno) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    /// A file of its owner's alone takes another's place, in one step.
    /// - Returns: false when that can't be done: then the other one is as it was.
    @Sendable static func replace(_ path: String, with bytes: [UInt8]) -> Bool {
        let new = "\(path).uploadfs-\(getpid())"
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isWritten, rename(new, path) == 0 else {
            unlink(new)
            return false
        }
        return true
    }

    private static func failure(_ path: String, _ code: Int32) -> CommandFailure {
        let why = String(cString: strerror(code))
        return switch code {
        case EACCES, EPERM: CommandFailure(.permission, "\(path) can't be read: \(why).")
        case ENOTCONN:
            CommandFailure(
                .failure,
                "\(path) can't be read: the uploadfs that was mounted there has died. Mount it again: nothing is lost.")
        default: CommandFailure(.failure, "\(path) can't be read: \(why).")
        }
    }
}
