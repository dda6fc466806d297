import Glibc

/// Programs that we start. posix_spawn, never fork: threads may be about.
enum ChildProcess {
    /// Finds it on PATH, runs it to its end.
    /// - Returns: its exit code; 127 when there is no such program, 128 + n when signal n ended it.
    static func run(_ program: String, _ arguments: [String]) -> Int32 {
        var process: pid_t = 0
        let strings = ([program] + arguments).map { strdup($0) } + [nil]
        defer { strings.forEach { free($0) } }
        guard posix_spawnp(&process, program, nil, nil, strings, environ) == 0 else { return 127 }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return 127 }
        }
        // wait(2): the low seven bits are the signal, the next byte is the code.
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }
}
