import CFuse
import Glibc
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

/// libfuse tells of a failed read of its device by perror(3), on threads that it cancels as soon as one of them has
/// seen the end of the session. Cancelled while it writes, glibc's perror leaves stderr locked for ever, and whoever
/// logs next stands still with it. The dynamic linker finds this one first, which is not cancelled.
@_cdecl("perror")
func perrorOfLibfuse(_ prefix: UnsafePointer<CChar>?) {
    let code = errno
    var state: Int32 = 0
    pthread_setcancelstate(Int32(PTHREAD_CANCEL_DISABLE), &state)
    defer { pthread_setcancelstate(state, nil) }
    let text = prefix.map { String(cString: $0) } ?? ""
    LibfuseLog.write("\(text): \(String(cString: strerror(code)))", level: .notice)
}
