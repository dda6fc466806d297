import Glibc

/// Standard output and error, unbuffered and whole.
enum Terminal {
    static func write(_ text: String) {
        put(text, STDOUT_FILENO)
    }

    static func line(_ text: String) {
        put(text + "\n", STDOUT_FILENO)
    }

    static func error(_ text: String) {
        put(text + "\n", STDERR_FILENO)
    }

    /// A terminal, not a pipe or a file.
    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Waits for a reader, also where the descriptor is one that does not (whoever shares it may have told it so).
    /// What can't be written (the reader has gone) is nobody's loss.
    static func put(_ text: String, _ descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN {
                var output = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&output, 1, -1)
                continue
            }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
