import Foundation
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

@Suite("A real mount over a destination that is listed", .serialized, .timeLimit(.minutes(1)))
struct ListingMountTests {
    /// Not on one of the few threads of tasks: the listing that it waits for needs them.
    private func run(_ arguments: String...) async throws -> (status: Int32, output: String) {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try runProgram(arguments) }) }
        }
    }

    @Test("ls, find and stat see what lies there, wherever it is first looked at")
    func seen() async throws {
        let there = FakeListing()
        for number in 0..<300 { there.put("d/e/f\(number)", size: Int64(number)) }
        there.put("top", size: 77)
        let mount = try MountFixture(listing: there)
        // A name in a directory that nobody has read yet.
        #expect(try await run("stat", "-c", "%s", mount.file("d/e/f299")).output == "299\n")
        #expect(try await run("stat", mount.file("d/e/none")).status != 0)
        let all = try await run("find", mount.path, "-type", "f")
        #expect(all.output.split(separator: "\n").count == 301)
        #expect(try await run("ls", mount.path).output == "d\ntop\n")
        #expect(there.calls.filter { !$0.contains("?") }.sorted() == ["", "d", "d/e"], "each once")
        #expect(there.calls.contains("?d"))
    }

    @Test("A call that waits for the listing ends with a signal, and with the mount")
    func ended() async throws {
        let there = FakeListing()
        there.hold(at: Gate())
        there.holdNames(at: Gate())
        // They would wait for longer than this suite may take.
        let mount = try MountFixture(listing: there, patience: .seconds(1000))
        #expect(try await run("timeout", "-s", "KILL", "0.2", "ls", mount.path).status != 0)
        async let program = run("stat", mount.file("name"))
        let turns = try #require(mount.mounted.fileSystem.turns)
        while turns.waiting == 0 { await Task.yield() }
        mount.mounted.unmount(grace: .seconds(5))
        #expect(mount.hasEnded())
        #expect(try await program.status != 0)
        await mount.mounted.endListing()
    }
}
