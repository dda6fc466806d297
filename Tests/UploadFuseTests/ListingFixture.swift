import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// A filesystem without a mount over a destination that tells what lies there.
struct ListingFixture: Sendable {
    let there = FakeListing()
    let fixture: FileSystemFixture
    private let told = Notices()

    private final class Notices: Sendable {
        let lines = Mutex<[String]>([])
    }

    init() throws {
        fixture = try FileSystemFixture(listing: there)
        fixture.fileSystem.kernel.connect { [told] change in
            let line =
                switch change {
                case .entry(let parent, let name): "\(parent)/\(name)"
                case .inode(let inode): "\(inode)"
                }
            told.lines.withLock { $0.append(line) }
        }
    }

    /// What the kernel was told since.
    func takeNotices() -> [String] {
        told.lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    /// What READDIR, or LOOKUP of a name, would have to wait for first.
    func look(into inode: UInt64 = 1, for name: String? = nil) throws -> Waiter? {
        try fixture.fileSystem.look(into: inode, for: name.map { Array($0.utf8) })
    }

    func waits(into inode: UInt64 = 1, for name: String? = nil) throws -> Bool {
        try look(into: inode, for: name) != nil
    }

    /// Waits for it.
    func arrive(in inode: UInt64 = 1, for name: String? = nil) async throws {
        guard let waiter = try look(into: inode, for: name) else { return }
        await Self.end(of: waiter)
    }

    static func end(of waiter: Waiter) async {
        await withCheckedContinuation { continuation in
            _ = waiter.begin { _ in continuation.resume() }
        }
    }

    /// Looks into it when its listing is old, and returns when the new one has come to its end.
    func refresh(_ inode: UInt64 = 1) async throws {
        for _ in 0..<1000 { _ = fixture.namespace.now() }
        #expect(try !waits(into: inode), "it was looked into: nobody waits")
        let turns = try #require(fixture.fileSystem.turns)
        await withCheckedContinuation { continuation in
            _ = turns.wait(for: .directory(FileID(inode)), atMost: .seconds(1)) { continuation.resume() }
        }
    }

    func inode(_ name: String, in parent: UInt64 = 1) throws -> UInt64 {
        try #require(try fixture.lookup(name, in: parent)).attributes.inode
    }
}
