import CLinux
import Glibc
import UploadCore

/// `mount --background`: starts the same command in a session of its own, and waits until it says
/// that it is mounted. Started by posix_spawn, so nothing is forked where threads are.
enum Background {
    /// The other end: the mounting process's way to say so, once.
    struct Signal: Sendable {
        let descriptor: Int32

        /// - Parameter message: what the waiting process shows; empty when all is well.
        func tell(_ code: Int32, _ message: String) {
            let bytes = Array("\(code)\n\(message)".utf8)
            _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            close(descriptor)
        }
    }

    static func start(target: MountTarget, settings: MountSettings) throws(CommandFailure) {
        let state = settings.stateDirectory(for: target)
        let log = state + "/mount.log"
        var ends: [Int32] = [0, 0]
        guard clinux_pipe(&ends) == 0 else {
            throw CommandFailure(.failure, "No pipe could be made: \(String(cString: strerror(errno))).")
        }
        defer { close(ends[0]) }
        let process: pid_t
        do throws(CommandFailure) {
            process = try spawn(log: try openLog(state, log), ready: ends[1])
        } catch {
            close(ends[1])
            throw error
        }
        close(ends[1])
        try awaitReady(ends[0], process, log)
        // The mount answers once it answers a question; the mounting process itself never asks one of its own mount.
        guard access(target.mountpoint + "/.uploadfs/status", R_OK) == 0 else {
            throw CommandFailure(
                .failure,
                "The mount on \(target.mountpoint) does not answer: \(String(cString: strerror(errno))). See \(log).")
        }
    }

    private static func openLog(_ state: String, _ log: String) throws(CommandFailure) -> Int32 {
        var made = ""
        for part in state.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw CommandFailure(
                    errno == EACCES ? .permission : .configuration,
                    "The state directory \(state) can't be made: \(String(cString: strerror(errno))). Name another with --state-dir."
                )
            }
        }
        let descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(
                errno == EACCES ? .permission : .configuration,
                "\(log) can't be written: \(String(cString: strerror(errno))).")
        }
        return descriptor
    }

    private static func spawn(log: Int32, ready: Int32) throws(CommandFailure) -> pid_t {
        defer { close(log) }
        let words = CommandLine.arguments.filter { $0 != "--background" } + ["--ready-descriptor", "3"]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, log, 1)
        posix_spawn_file_actions_adddup2(&actions, log, 2)
        // dup2 of a descriptor onto itself takes its close-on-exec flag away, too (glibc).
        posix_spawn_file_actions_adddup2(&actions, ready, 3)
        switch ChildProcess.start("/proc/self/exe", words, &actions, inNewSession: true) {
        case .success(let process): return process
        case .failure(.errno(let code)):
            throw CommandFailure(
                .failure, "uploadfs could not be started in the background: \(String(cString: strerror(code))).")
        }
    }

    private static func awaitReady(_ descriptor: Int32, _ process: pid_t, _ log: String) throws(CommandFailure) {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        let parts = String(decoding: text, as: UTF8.self).split(separator: "\n", maxSplits: 1)
        guard let code = parts.first.flatMap({ Int32($0) }) else {
            throw CommandFailure(.failure, "uploadfs ended before it was mounted. Its last words are in \(log).")
        }
        guard code != 0 else { return }
        throw CommandFailure(
            CommandFailure.Code(rawValue: code) ?? .failure, parts.count > 1 ? String(parts[1]) : "See \(log).")
    }
}
