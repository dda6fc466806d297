import Glibc

// Processes/ is what this room knows of the programs that write: which process a thread belongs to,
// and whether it is dying. Read from /proc, by nobody else.

/// The system's processes as the kernel's requests name them: by thread, and 0 for one of another pid
/// namespace.
struct ProcessTable: Sendable {
    /// The process a thread belongs to; the thread itself when it can't be told.
    var process: @Sendable (_ thread: Int32) -> Int32
    /// How the thread's process dies, when a signal is what ends it; nil for one that lives, or ends by itself.
    var death: @Sendable (_ thread: Int32) -> Death?
    /// Whether a process still runs: kill(2) with no signal.
    var isAlive: @Sendable (_ process: Int32) -> Bool = { kill($0, 0) == 0 || errno == EPERM }

    struct Death: Sendable, Hashable {
        let signal: Int32
        /// As ps(1) shows it.
        let program: String
    }

    /// Of this machine.
    static let system = ProcessTable(
        process: { thread in
            guard thread > 0, let status = ProcFile.read("/proc/\(thread)/status") else { return thread }
            return ThreadStatus.process(status) ?? thread
        },
        death: { thread in
            guard thread > 0, let stat = ProcFile.read("/proc/\(thread)/stat") else { return nil }
            return ThreadStatus.death(stat)
        })
}

/// What proc(5) says of a thread.
enum ThreadStatus {
    /// PF_EXITING of linux/sched.h.
    private static let exiting: UInt64 = 0x4

    /// The line `Tgid:` of /proc/TID/status.
    static func process(_ status: String) -> Int32? {
        for line in status.split(separator: "\n") where line.hasPrefix("Tgid:") {
            return Int32(line.dropFirst(5).drop { $0 == "\t" || $0 == " " })
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
    /// One read(2): what proc(5) makes for it is consistent.
    static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            return count > 0 ? String(decoding: UnsafeRawBufferPointer(buffer)[..<count], as: UTF8.self) : nil
        }
    }
}
