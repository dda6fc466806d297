import Glibc

/// What /proc/self/mountinfo says (proc_pid_mountinfo(5)). Asking it never touches the filesystem in
/// question, which may not answer.
package struct MountTable: Sendable {
    package struct Line: Equatable, Sendable {
        /// st_dev of what is mounted there: major 0 and this minor, for FUSE.
        package let minor: UInt32
        package let mountpoint: String
        package let type: String
    }

    package let lines: [Line]

    init(_ text: String) {
        lines = text.split(separator: "\n").compactMap(Self.line)
    }

    package static func current() -> MountTable {
        MountTable(contents(of: "/proc/self/mountinfo") ?? "")
    }

    /// The topmost mount at exactly this place.
    package func last(at mountpoint: String) -> Line? {
        lines.last { $0.mountpoint.utf8.elementsEqual(mountpoint.utf8) }
    }

    /// What is mounted where this path lies.
    /// - Parameter path: absolute, without links.
    package func covering(_ path: String) -> Line? {
        lines.filter { line in
            let place = line.mountpoint.utf8.last == UInt8(ascii: "/") ? line.mountpoint : line.mountpoint + "/"
            return (path + "/").utf8.starts(with: place.utf8)
        }.enumerated().max {
            ($0.element.mountpoint.utf8.count, $0.offset) < ($1.element.mountpoint.utf8.count, $1.offset)
        }?
        .element
    }

    /// `36 35 98:0 /root /mountpoint options tags… - type source options`
    private static func line(_ text: Substring) -> Line? {
        let words = text.split(separator: " ")
        guard words.count > 6, let separator = words.firstIndex(of: "-"), words.indices.contains(separator + 1),
            let minor = words[2].split(separator: ":").last.flatMap({ UInt32($0) })
        else { return nil }
        return Line(minor: minor, mountpoint: unescaped(words[4]), type: String(words[separator + 1]))
    }

    /// Space, tab, newline and backslash are written as three octal digits.
    private static func unescaped(_ word: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(word.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func contents(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = read(descriptor, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
