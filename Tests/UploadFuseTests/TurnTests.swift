import Foundation
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// What happens to a file while a write of it is under way.
@Suite struct TurnTests {
    /// A write that takes its time.
    private struct SlowSource: ByteSource {
        let text: String
        var before: () throws -> Void = {}
        var afterwards: () throws -> Void = {}

        var count: Int { text.utf8.count }
        func bytes() -> [UInt8] { Array(text.utf8) }

        func store(in file: any SpoolFile, at offset: Int64) throws(SpoolError) {
            do { try before() } catch { Issue.record(error) }
            try file.write(bytes(), at: offset)
            do { try afterwards() } catch { Issue.record(error) }
        }
    }

    /// Something that another thread does.
    private final class Aside: Sendable {
        private let ended = DispatchSemaphore(value: 0)

        init(_ work: @escaping @Sendable () throws -> Void) {
            Thread.detachNewThread { [ended] in
                do { try work() } catch { Issue.record(error) }
                ended.signal()
            }
        }

        func hasEnded(within seconds: Double) -> Bool { ended.wait(timeout: .now() + seconds) == .success }
    }

    private func newest(_ fixture: FileSystemFixture) throws -> (closedSize: Int64?, bytes: [UInt8]) {
        let newest = try #require(try fixture.journal.newestUpload(of: FileID(2)))
        return (newest.closedSize, try fixture.spool.open(newest.version).contents())
    }

    @Test(
        "Closed through the same handle and opened anew while a write is under way, the write is in what is published")
    func openedDuringWrite() throws {
        let fixture = try FileSystemFixture()
        let log = try fixture.create("a")
        try fixture.write(log, "one")
        try fixture.fileSystem.flush(log)
        var other: OpenHandle?
        let slow = SlowSource(
            text: "two",
            before: {
                try fixture.fileSystem.flush(log)
                other = try fixture.open(2)
            })
        _ = try fixture.fileSystem.write(log, slow, at: 3)
        let handle = try #require(other)
        try fixture.write(handle, "end", at: 6)
        try fixture.close(handle)
        try fixture.close(log)
        let (closedSize, bytes) = try newest(fixture)
        #expect(closedSize == 9)
        #expect(bytes == Array("onetwoend".utf8))
    }

    @Test("A close beside a write that is half there is no close: that comes with the other one's")
    func closedDuringWrite() throws {
        let fixture = try FileSystemFixture()
        let log = try fixture.create("a")
        let other = try fixture.open(2)
        try fixture.write(other, "one")
        let slow = SlowSource(
            text: "two",
            before: {
                try fixture.close(other)
                #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
            })
        _ = try fixture.fileSystem.write(log, slow, at: 3)
        #expect(try fixture.journal.upload(VersionID(1))?.closed == nil)
        try fixture.close(log)
        #expect(try fixture.journal.upload(VersionID(1))?.closedSize == 6)
    }

    enum Cut: CaseIterable {
        case open, truncate, ftruncate
    }

    /// The kernel does that with O_TRUNC: nothing keeps its OPEN from overtaking a WRITE.
    @Test("Cut to nothing while a write is under way, a file is as long as its bytes are", arguments: Cut.allCases)
    func cutDuringWrite(cut: Cut) throws {
        let fixture = try FileSystemFixture()
        let writer = try fixture.create("a")
        try fixture.write(writer, "one")
        let other = try fixture.open(2)
        let aside = Mutex<Aside?>(nil)
        let slow = SlowSource(
            text: "two",
            afterwards: {
                let cutter = Aside {
                    switch cut {
                    case .open: try fixture.close(try fixture.open(2, O_WRONLY | O_TRUNC))
                    case .truncate: _ = try fixture.fileSystem.change(2, AttributeChange(size: 0))
                    case .ftruncate: _ = try fixture.fileSystem.change(2, AttributeChange(size: 0), through: other)
                    }
                }
                // Were it to overtake this write, it would have by then.
                #expect(!cutter.hasEnded(within: 0.1))
                aside.withLock { $0 = cutter }
            })
        _ = try fixture.fileSystem.write(writer, slow, at: 3)
        #expect(try #require(aside.withLock { $0 }).hasEnded(within: 30))
        try fixture.close(other)
        try fixture.close(writer)
        let (closedSize, bytes) = try newest(fixture)
        #expect(closedSize == 0)
        #expect(bytes.isEmpty)
        #expect(try fixture.lookup("a")?.attributes.size == 0)
    }
}
