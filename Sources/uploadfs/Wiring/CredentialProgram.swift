import CLinux
import Dispatch
import Glibc
import UploadTransfer

/// Runs a profile's credential_process. What it prints is read; what it complains of goes nowhere, as that may have
/// secrets in it; and it has no terminal to ask.
enum CredentialProgram {
    /// More than this is nobody's credentials.
    private static let mostOutput = 1 << 20

    private static let queue = DispatchQueue(label: "uploadfs.credentials", attributes: .concurrent)

    /// - Parameter words: its name first, which is looked up on PATH.
    @Sendable static func run(_ words: [String], within limit: Duration) async -> CredentialProcess.End {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: wait(for: words, within: limit)) }
        }
    }

    private static func wait(for words: [String], within limit: Duration) -> CredentialProcess.End {
        var ends: [Int32] = [-1, -1]
        guard clinux_pipe(&ends) == 0 else { return .notStarted(reason: String(cString: strerror(errno))) }
        defer { close(ends[0]) }
        let started = start(words, output: ends[1])
        close(ends[1])
        switch started {
        case .failure(.errno(let code)): return .notStarted(reason: String(cString: strerror(code)))
        case .success(let process):
            guard let output = read(ends[0], of: process, within: limit) else {
                // It leads a session of its own, and so a group: what it has started goes with it.
                kill(-process, SIGKILL)
                _ = ChildProcess.wait(for: process)
                return .timedOut
            }
            return .exited(code: ChildProcess.wait(for: process), output: output)
        }
    }

    private static func start(_ words: [String], output: Int32) -> Result<pid_t, ChildProcess.Failure> {
        guard let program = words.first else { return .failure(.errno(ENOENT)) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        return ChildProcess.start(program, words, &actions, inNewSession: true)
    }

    /// What the process writes until it has ended. Its end counts, and not the pipe's: a child of it may keep that open.
    /// - Returns: nil when the time is over before that.
    private static func read(_ pipe: Int32, of process: pid_t, within limit: Duration) -> [UInt8]? {
        let life = Int32(pidfd_open(process, 0))
        guard life >= 0 else { return nil }
        defer { close(life) }
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        var output: [UInt8] = []
        var polled = [
            pollfd(fd: life, events: Int16(POLLIN), revents: 0), pollfd(fd: pipe, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let left = clock.now.duration(to: deadline)
            // Once it has ended, what it has written is there.
            let hasEnded = polled[0].revents != 0
            // A pipe that somebody fills without end is always ready.
            guard left > .zero else { return hasEnded ? output : nil }
            let count = poll(&polled, 2, hasEnded ? 0 : milliseconds(left))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            if polled[1].revents != 0 {
                guard take(pipe, &output) else {
                    // Closed: poll(2) looks at no descriptor below 0.
                    polled[1].fd = -1
                    continue
                }
            } else if hasEnded {
                return output
            }
        }
    }

    /// - Returns: false at the end.
    private static func take(_ pipe: Int32, _ output: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(pipe, &buffer, buffer.count)
        guard count > 0 else { return count < 0 && errno == EINTR }
        output += buffer[..<min(count, mostOutput - output.count)]
        return true
    }

    /// Rounded up, as poll(2) has it.
    private static func milliseconds(_ duration: Duration) -> Int32 {
        let (seconds, attoseconds) = duration.components
        let rest = attoseconds > 0 ? attoseconds / 1_000_000_000_000_000 + 1 : 0
        return Int32(max(0, min(3600, seconds)) * 1000 + rest)
    }
}
