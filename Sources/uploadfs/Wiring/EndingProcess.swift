import CLinux
import Foundation
import Glibc
import UploadFuse

/// Another process on its way out. One that was killed in the middle of an fdatasync keeps its locks until the
/// disk is done: seconds, with much to write.
enum EndingProcess {
    /// Whether nothing but the kernel keeps it: it has been killed, its first thread has ended already, or has let go
    /// of its memory, as it does before it lets go of its files (proc_pid_status(5)).
    static func isEnding(_ process: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else { return true }
        if ThreadStatus.hasNoMemory(status) { return true }
        return status.split(separator: "\n").contains { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count > 1 else { return false }
            switch words[0] {
            case "State:": return words[1] == "Z" || words[1] == "X"
            case "SigPnd:", "ShdPnd:": return UInt64(words[1], radix: 16).map { $0 & 1 << (SIGKILL - 1) != 0 } ?? false
            default: return false
            }
        }
    }

    /// - Parameter limit: milliseconds.
    /// - Returns: whether it has ended.
    static func wait(for process: Int32, within limit: Int32) -> Bool {
        let descriptor = Int32(pidfd_open(process, 0))
        // Gone already: so much the better.
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var count: Int32
        repeat { count = poll(&poller, 1, limit) } while count < 0 && errno == EINTR
        return count > 0
    }
}
