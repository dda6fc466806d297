import CLinux
import Foundation
import Glibc
import Synchronization
import Testing

/// A program that runs beside the test, ended by pid however the test ends.
final class Program: Sendable {
    let pid: pid_t
    private let lines: Lines
    private let exitStatus = Mutex<Int32?>(nil)

    /// What it has written to its output and error, and who waits for it.
    private final class Lines: Sendable {
        private let condition = NSCondition()
        private let text = Mutex(("", false))

        var all: String { text.withLock(\.0) }

        func add(_ more: String) {
            text.withLock { $0.0 += more }
            wake()
        }

        func end() {
            text.withLock { $0.1 = true }
            wake()
        }

        private func wake() {
            condition.lock()
            condition.broadcast()
            condition.unlock()
        }

        /// Returns once all was read, or `limit` is over: a child that it has left may hold the pipe.
        func waitForEnd(limit: TimeInterval) {
            let deadline = Date(timeIntervalSinceNow: limit)
            condition.lock()
            while !text.withLock({ $0.1 }), condition.wait(until: deadline) {}
            condition.unlock()
        }

        /// - Returns: the first whole line with `word` in it; nil when the program ended without one, or `limit` is over.
        func first(with word: String, limit: TimeInterval) -> String? {
            let deadline = Date(timeIntervalSinceNow: limit)
            condition.lock()
            defer { condition.unlock() }
            while true {
                let (now, hasEnded) = text.withLock { $0 }
                let complete =
                    now.hasSuffix("\n") || hasEnded ? now[...] : now[..<(now.lastIndex(of: "\n") ?? now.startIndex)]
                if let line = complete.split(separator: "\n").first(where: { $0.contains(word) }) {
                    return String(line)
                }
                if hasEnded || !condition.wait(until: deadline) { return nil }
            }
        }
    }

    /// - Parameters:
    ///   - program: a path.
    ///   - environment: added to ours.
    init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        var ends: [Int32] = [0, 0]
        guard clinux_pipe(&ends) == 0 else { throw POSIXError(.EIO) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The test runner blocks signals in some threads; programs must not inherit that.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + settings).forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, program, &actions, &attributes, words, settings)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO)
        }
        self.pid = pid
        let lines = Lines()
        self.lines = lines
        let reading = ends[0]
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(reading, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { break }
                lines.add(String(decoding: buffer[..<count], as: UTF8.self))
            }
            close(reading)
            lines.end()
        }
    }

    /// All that it has written; it has ended.
    func finalOutput() -> String {
        lines.waitForEnd(limit: 5)
        return lines.all
    }

    /// What it has written so far.
    var output: String { lines.all }

    /// As `line`, for one that need not come.
    func possibleLine(with word: String, within limit: TimeInterval = 60) -> String? {
        lines.first(with: word, limit: limit)
    }

    /// - Returns: the first line with `word` in it, as soon as it is there.
    func line(with word: String, within limit: TimeInterval = 60) throws -> String {
        try #require(lines.first(with: word, limit: limit), "no line with \"\(word)\" in:\n\(output)")
    }

    /// Nothing once its end was waited for: its pid may be another's by now.
    func signal(_ number: Int32) {
        guard exitStatus.withLock({ $0 }) == nil else { return }
        kill(pid, number)
    }

    /// Waits for its end.
    /// - Returns: its exit code, or 128 + the signal that ended it; nil when it still runs after `limit`.
    func waitForEnd(within limit: TimeInterval) -> Int32? {
        if let known = exitStatus.withLock({ $0 }) { return known }
        let descriptor = pidfd_open(pid, 0)
        if descriptor >= 0 {
            defer { close(descriptor) }
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while poll(&poller, 1, Int32(limit * 1000)) < 0 && errno == EINTR {}
            guard poller.revents != 0 else { return nil }
        }
        return exitStatus.withLock { known in
            if let known { return known }
            var status: Int32 = 0
            guard waitpid(pid, &status, 0) == pid else { return nil }
            let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
            known = code
            return code
        }
    }

    /// Asks it to end; makes it end when it does not.
    @discardableResult
    func end(within limit: TimeInterval = 10) -> Int32? {
        signal(SIGCONT)
        signal(SIGTERM)
        if let code = waitForEnd(within: limit) { return code }
        signal(SIGKILL)
        return waitForEnd(within: limit)
    }
}
