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

    /// What can't be written (the reader has gone) is nobody's loss.
    static func put(_ text: String, _ descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
