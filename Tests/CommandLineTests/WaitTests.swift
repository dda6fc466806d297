import Foundation
import Glibc
import TestSupport
import Testing

@testable import uploadfs

@Suite struct WaitTests {
    /// What a mount would show.
    private let place: TemporaryDirectory

    init() throws {
        place = try TemporaryDirectory()
        try #require(mkdir(place.file(".uploadfs"), 0o700) == 0)
    }

    @Test("What was closed before is waited for, also when the list does not have it yet", .timeLimit(.minutes(1)))
    func behind() async throws {
        try write("status.json", #"{"files": []}"#)
        try #require(mkfifo(place.file(".uploadfs/sync"), 0o600) == 0)
        async let listing = WaitCommand.detached { [path = place.path] in try Waiting(mountpoint: path).listing() }
        // Opens once the other end is opened: so the list is not read before.
        let sync = try await opened(".uploadfs/sync")
        try #require(sync >= 0)
        try write("status.json", #"{"files": [{"path": "a", "phase": "failed"}]}"#)
        close(sync)
        #expect(try await listing.failed == ["a"])
    }

    @Test("What fails after one look and before the next is told", .timeLimit(.minutes(1)))
    func failedBetween() async throws {
        for directory in ["wait", "wait/b", "detail"] {
            try #require(mkdir(place.file(".uploadfs/" + directory), 0o700) == 0)
        }
        try write("sync", "")
        // A directory, so that it can't be read, as what has failed.
        try write("detail/b", #"{"phase": "failed", "error": {"reason": "No.", "remedy": "Yes."}}"#)
        try write("status.json", #"{"files": [{"path": "a", "phase": "uploading"}]}"#)
        try #require(mkfifo(place.file(".uploadfs/wait/a"), 0o600) == 0)
        async let failures = WaitCommand.detached { [path = place.path] in
            try WaitCommand.wait(Waiting(mountpoint: path), [])
        }
        let answer = try await opened(".uploadfs/wait/a")
        try #require(answer >= 0)
        try write("status.json", #"{"files": [{"path": "b", "phase": "failed"}]}"#)
        try #require("http://a\n".withCString { Glibc.write(answer, $0, strlen($0)) } > 0)
        close(answer)
        #expect(try await failures == 1)
    }

    @Test("A long queue of which nothing is listed is not over", .timeLimit(.minutes(1)))
    func longQueue() throws {
        try write("sync", "")
        try write("status.json", #"{"files": [{"path": "~", "phase": "held"}], "filesNotListed": 7}"#)
        let listing = try Waiting(mountpoint: place.path).listing()
        #expect(!listing.isComplete && listing.pending.isEmpty && listing.held == 1)
    }

    /// A pipe, as soon as somebody reads it. Waits on a thread that no test needs.
    private func opened(_ name: String) async throws -> Int32 {
        try await WaitCommand.detached { [path = place.file(name)] in open(path, O_WRONLY) }
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: place.file(".uploadfs/" + name), atomically: false, encoding: .utf8)
    }
}
