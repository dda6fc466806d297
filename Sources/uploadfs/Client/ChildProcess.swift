import CLinux
import Glibc

/// Programs that we start. posix_spawn, never fork: threads may be about.
enum ChildProcess {
    /// Finds it on PATH, runs it to its end.
    /// - Returns: its exit code; 127 when there is no such program, 128 + n when signal n ended it.
    static func run(_ program: String, _ arguments: [String]) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        guard case .success(let process) = start(program, [program] + arguments, &actions, inNewSession: false) else {
            return 127
        }
        return wait(for: process)
    }

    /// Waits until a child has ended, and lets go of it.
    /// - Returns: its exit code; 128 + n when signal n ended it.
    static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return 127 }
        }
        // wait(2): the low seven bits are the signal, the next byte is the code.
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    }

    enum Failure: Error {
        case errno(Int32)
    }

    /// Starts a program with all signals let through: the threads of Swift's pool, from which this may
    /// be called, block them, and a child inherits that.
    /// - Parameter words: the program's own name first.
    static func start(
        _ program: String, _ words: [String], _ actions: inout posix_spawn_file_actions_t, inNewSession: Bool
    ) -> Result<pid_t, Failure> {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let session = inNewSession ? clinux_spawn_in_new_session() : 0
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | session)
        let strings = words.map { strdup($0) } + [nil]
        defer { strings.forEach { free($0) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, program, &actions, &attributes, strings, environ)
        return code == 0 ? .success(process) : .failure(.errno(code))
    }
}
