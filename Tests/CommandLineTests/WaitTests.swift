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
        let listing = Task.detached { [path = place.path] in try Waiting(mountpoint: path).failed() }
        // Opens once the other end is opened: so the list is not read before.
        let sync = open(place.file(".uploadfs/sync"), O_WRONLY)
        try #require(sync >= 0)
        try write("status.json", #"{"files": [{"path": "a", "phase": "failed"}]}"#)
        close(sync)
        #expect(try await listing.value == ["a"])
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(toFile: place.file(".uploadfs/" + name), atomically: false, encoding: .utf8)
    }
}
