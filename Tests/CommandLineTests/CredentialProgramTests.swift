import Foundation
import TestSupport
import Testing
import UploadTransfer

@testable import uploadfs

@Suite("A credential_process", .timeLimit(.minutes(1)))
struct CredentialProgramTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// Runs a script.
    private func run(
        _ lines: String, _ arguments: String..., within limit: Duration = .seconds(30)
    ) async throws -> CredentialProcess.End {
        let path = directory.file("program")
        try lines.write(toFile: path, atomically: true, encoding: .utf8)
        return await CredentialProgram.run(["sh", path] + arguments, within: limit)
    }

    @Test("is read to its end, gets its words as they are, and has nothing to read")
    func output() async throws {
        let end = try await run("cat; printf '%s|' \"$@\"; echo secret >&2; exit 3", "a b", "$HOME", "'")
        #expect(end == .exited(code: 3, output: Array("a b|$HOME|'|".utf8)))
        let long = try await run("head -c 300000 /dev/zero")
        #expect(long == .exited(code: 0, output: Array(repeating: 0, count: 300_000)))
        // Of a signal.
        #expect(try await run("kill -9 $$") == .exited(code: 137, output: []))
    }

    @Test("that is not there is told")
    func missing() async throws {
        let end = await CredentialProgram.run([directory.file("none")], within: .seconds(30))
        #expect(end == .notStarted(reason: "No such file or directory"))
    }

    @Test("is killed when its time is over, with what it has started, whether it prints or not")
    func late() async throws {
        let pipe = directory.file("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        // The child holds the other end open for as long as it lives.
        let descriptor = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        let lines = "sleep 1000 > \(pipe) & wait"
        #expect(try await run(lines, within: .seconds(1)) == .timedOut)
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&poller, 1, 10_000) == 1 && poller.revents & Int16(POLLHUP) != 0)
        #expect(try await run("yes", within: .milliseconds(200)) == .timedOut)
    }

    @Test("is over when it ends, though a child of it holds its output open")
    func leftBehind() async throws {
        let end = try await run("sleep 20 & echo $!; exit 0")
        guard case .exited(0, let output) = end, let child = Int32(String(decoding: output.dropLast(), as: UTF8.self))
        else {
            Issue.record("\(end)")
            return
        }
        // Still there.
        #expect(kill(child, SIGKILL) == 0)
    }
}
