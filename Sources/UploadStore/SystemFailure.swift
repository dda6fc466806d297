import Glibc

/// A system call that failed.
struct SystemFailure: Error, Hashable, Sendable {
    let call: String
    let errno: Int32

    /// Takes errno as it stands: call it right after the call.
    init(_ call: String) {
        self.call = call
        errno = Glibc.errno
    }

    init(call: String, errno: Int32) {
        self.call = call
        self.errno = errno
    }

    /// Calls until it is not interrupted by a signal.
    /// - Returns: what the call returned, never negative.
    @discardableResult
    static func retrying<Result: SignedInteger>(
        _ call: String, _ body: () -> Result
    ) throws(SystemFailure) -> Result {
        while true {
            let result = body()
            if result >= 0 { return result }
            let failure = SystemFailure(call)
            if failure.errno != EINTR { throw failure }
        }
    }

    /// Runs `body`, and says in the words of another layer what went wrong.
    @discardableResult
    static func translating<Result: ~Copyable, Failure: Error>(
        _ translate: (SystemFailure) -> Failure, _ body: () throws(SystemFailure) -> Result
    ) throws(Failure) -> Result {
        do throws(SystemFailure) {
            return try body()
        } catch {
            throw translate(error)
        }
    }

    /// The last resort of a failure that nobody is there to be told of: a line on stderr.
    @Sendable static func say(_ failure: SystemFailure) {
        let line = "uploadfs: \(failure.call): \(String(cString: strerror(failure.errno)))\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }
}
