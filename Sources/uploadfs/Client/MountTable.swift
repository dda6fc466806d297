import Glibc

/// What /proc/self/mountinfo says (proc(5)).
enum MountTable {
    struct Entry: Sendable, Hashable {
        let mountpoint: String
        let type: String
        let source: String
    }

    static func entries() throws(CommandFailure) -> [Entry] {
        try SmallFile.read("/proc/self/mountinfo").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 2, fields.count > 4 else { return nil }
            return Entry(
                mountpoint: unescaped(fields[4]), type: String(fields[dash + 1]), source: unescaped(fields[dash + 2]))
        }
    }

    /// The mountpoint's absolute path, if an uploadfs is mounted there.
    /// - Throws: CommandFailure (1) when none is.
    static func uploadfs(at path: String) throws(CommandFailure) -> String {
        let absolute = Paths.absolute(path)
        // The last one on the list is the one that is seen.
        guard let entry = try entries().last(where: { $0.mountpoint == absolute }), entry.type == "fuse.uploadfs" else {
            throw CommandFailure(
                .failure, "No uploadfs is mounted on \(path). \"mount -t fuse.uploadfs\" lists those there are.")
        }
        return absolute
    }

    /// Spaces, tabs, newlines and backslashes stand as \ooo.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

enum Paths {
    /// Absolute and without symlinks, without touching the last component: a mountpoint whose process
    /// has died can't be looked at.
    static func absolute(_ path: String) -> String {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        guard path != "/" else { return path }
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        guard name != ".", name != "..", let resolved = resolved(parent) else { return resolved(path) ?? path }
        let joined = resolved == "/" ? "/" + name : resolved + "/" + name
        // A symlink to the mountpoint is followed, if that can be done.
        return self.resolved(joined) ?? joined
    }

    private static func resolved(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }
}

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
