/// Why a command ends, with the exit code that says so. DESIGN, "Command line".
struct CommandFailure: Error, Sendable {
    /// sysexits.h where it has a number, and timeout(1)'s 124.
    enum Code: Int32, Sendable {
        case failure = 1
        case usage = 2
        /// EX_UNAVAILABLE
        case unreachable = 69
        /// EX_NOPERM
        case permission = 77
        /// EX_CONFIG
        case configuration = 78
        case timedOut = 124
    }

    let code: Code
    /// One or more sentences: what is wrong, and what mends it.
    let text: String

    init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }
}
