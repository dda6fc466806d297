import CLinux
import Glibc

// Processes/ is what this room knows of the programs that write: which process a thread belongs to,
// and whether it is dying. Read from /proc, by nobody else.

/// The system's processes as the kernel's requests name them: by thread, and 0 for one of another pid
/// namespace.
struct ProcessTable: Sendable {
    /// The process a thread belongs to; 0 when it can't be told, as that of a further thread where /proc shows only
    /// one's own (hidepid).
    var process: @Sendable (_ thread: Int32) -> Int32
    /// How the thread's process dies, when a signal is what ends it; nil for one that lives, or ends by itself.
    var death: @Sendable (_ thread: Int32) -> Death?
    /// Whether a process still runs: kill(2) with no signal.
    var isAlive: @Sendable (_ process: Int32) -> Bool = { kill($0, 0) == 0 || errno == EPERM }

    /// Instead of a thread: the kernel writes what was changed in a shared mapping.
    static let writeback: Int32 = -1

    /// Who lets go of a descriptor. Asked for while no lock is held: nobody can promise that /proc waits for nobody.
    struct Flusher: Sendable {
        let process: Int32
        let death: Death?

        /// This one lets go of a copy that was lent to it: who wrote through that descriptor last, or has only opened
        /// it yet, is another process, and lives. A program that starts another one does that in the middle of its
        /// writing.
        func hasBorrowed(from user: Int32, _ table: ProcessTable) -> Bool {
            user > 0 && process > 0 && process != user && table.isAlive(user)
        }
    }

    /// - Returns: nil when the thread is not known.
    func flusher(_ thread: Int32) -> Flusher? {
        thread > 0 ? Flusher(process: process(thread), death: death(thread)) : nil
    }

    struct Death: Sendable, Hashable {
        let signal: Int32
        /// As ps(1) shows it.
        let program: String
    }

    /// Of this machine.
    static let system = ProcessTable(
        process: { thread in
            guard thread > 0 else { return 0 }
            // Of most programs it is the first thread that writes. This asks for no more than that, at a tenth of the
            // price: pidfd_open(2) takes no other.
            let descriptor = pidfd_open(thread, 0)
            if descriptor >= 0 {
                close(descriptor)
                return thread
            }
            return ProcFile.read("/proc/\(thread)/status").flatMap(ThreadStatus.process) ?? 0
        },
        death: { thread in
            guard thread > 0, let status = ProcFile.read("/proc/\(thread)/status"), ThreadStatus.hasNoMemory(status),
                let stat = ProcFile.read("/proc/\(thread)/stat")
            else { return nil }
            return ThreadStatus.death(stat)
        })
}

/// What proc(5) says of a thread.
package enum ThreadStatus {
    /// PF_EXITING of linux/sched.h.
    private static let exiting: UInt64 = 0x4

    /// The line `Tgid:` of /proc/TID/status.
    static func process(_ status: String) -> Int32? {
        rest(ofLine: "Tgid:", in: status).flatMap { rest in
            Int32(String(decoding: rest.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
        }
    }

    /// From /proc/TID/status: whether the thread has let go of its memory, as a dying one does before its files.
    ///
    /// Asked before /proc/TID/stat is read, which waits for an execve(2) of that thread to end. And the execve waits
    /// for us, while it closes its descriptors that are O_CLOEXEC: reading there would be for ever. Who calls it has
    /// a memory.
    package static func hasNoMemory(_ status: String) -> Bool {
        // Behind the lines about memory: those of the groups before may be as long as they like.
        rest(ofLine: "Threads:", in: status) != nil && rest(ofLine: "VmSize:", in: status) == nil
    }

    /// What follows a line's name and the blanks behind it, up to the end of all lines. By bytes: this is read with
    /// every close(2).
    private static func rest(ofLine name: StaticString, in status: String) -> Substring.UTF8View? {
        let bytes = status.utf8
        var line = bytes.startIndex
        while line < bytes.endIndex {
            let rest = bytes[line...]
            let isIt = name.withUTF8Buffer { rest.starts(with: $0) }
            if isIt {
                return rest.dropFirst(name.utf8CodeUnitCount).drop {
                    $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ")
                }
            }
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            line = bytes.index(after: end)
        }
        return nil
    }

    /// From /proc/TID/stat: `flags` is the 9th field, `exit_code` the 52nd, as waitpid(2) would tell it. The
    /// kernel sets both before a dying thread lets go of its files.
    ///
    /// PF_SIGNALED (0x400 in the flags) would not do: when a process of several threads calls exit(3), the kernel
    /// ends the others by a signal, and one of these may be the last to let go. The exit code tells whose doing it was.
    static func death(_ stat: String) -> ProcessTable.Death? {
        // The name, in parentheses, may have any characters, also these.
        guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: close)...].split(whereSeparator: { $0 == " " || $0 == "\n" })
        // The first of them is field 3.
        guard fields.count > 6, let flags = UInt64(fields[6]), flags & exiting != 0 else { return nil }
        let program = String(stat[stat.index(after: open)..<close])
        guard fields.count > 49, let code = UInt32(fields[49]), code & 0x7f != 0 else { return nil }
        return ProcessTable.Death(signal: Int32(code & 0x7f), program: program)
    }
}

enum ProcFile {
    /// All of it: what proc(5) has made for the first read(2), the others go on with.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            var bytes: [UInt8] = []
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                guard count > 0 else { break }
                bytes += UnsafeRawBufferPointer(buffer)[..<count]
            }
            return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
        }
    }
}
