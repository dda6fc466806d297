import CFuse
import Logging
import Synchronization

/// libfuse's own words, which it would print on stderr. There is one log function in a process, so
/// this is the one global of the room: the logger of the newest mount gets them all.
enum LibfuseLog {
    private struct State {
        var logger: Logger?
        var last: String?
    }

    private static let state = Mutex(State())

    static func send(to logger: Logger) {
        state.withLock { $0 = State(logger: logger) }
        uploadfs_take_libfuse_log()
    }

    /// What it said last, for the reason of a mount that failed: libfuse leaves no errno behind.
    static var lastLine: String? { state.withLock(\.last) }

    fileprivate static func write(_ line: String, level: Logger.Level) {
        let logger = state.withLock { state in
            state.last = line
            return state.logger
        }
        logger?.log(level: level, "libfuse: \(line)")
    }
}

/// Called by the shim with one finished line. Any thread.
@_cdecl("uploadfs_libfuse_log")
func libfuseLog(_ level: Int32, _ line: UnsafePointer<CChar>?) {
    guard let line else { return }
    var text = String(cString: line)
    while text.last?.isNewline == true { text.removeLast() }
    // The numbers are those of syslog(3).
    let swiftLevel: Logger.Level =
        switch level {
        case ...2: .critical
        case 3: .error
        case 4: .warning
        case 5: .notice
        case 6: .info
        default: .debug
        }
    LibfuseLog.write(text, level: swiftLevel)
}
