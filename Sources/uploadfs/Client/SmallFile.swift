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
