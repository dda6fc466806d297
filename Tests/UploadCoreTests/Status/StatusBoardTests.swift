import Synchronization
import Testing
import UploadCore

/// Which version of a file people are shown.
@Suite struct StatusBoardTests {
    private static func entry(_ version: Int64, _ phase: Phase) throws -> StatusBoard.Entry {
        StatusBoard.Entry(
            status: FileStatus(
                file: FileID(9), version: VersionID(version), path: try UploadPath("a"), phase: phase,
                contentType: "text/plain", size: 1, isClosed: true, chunkSize: 1),
            track: nil, sent: ByteCounter())
    }

    @Test("A path is asked for again once some path has changed, and not before")
    func paths() throws {
        let now = Timestamp(seconds: 1_750_000_000)
        let names = EngineBench.Names()
        names.set(FileID(9), try UploadPath("a"))
        let board = StatusBoard(names: names, process: 1, destination: "x", finished: (0, 0), now: { now })
        let entry = try Self.entry(1, .queued)
        board.insert(
            StatusBoard.Entry(status: entry.status, pathAsOf: names.pathChanges, track: nil, sent: ByteCounter()))
        func shown() -> String? { board.status(of: FileID(9))?.path.text }
        #expect(shown() == "a" && board.overview(limit: 1).files.first?.path.text == "a")
        #expect(board.update(VersionID(1)) { $0.status.phase = .uploading }?.path.text == "a")
        #expect(names.pathsAsked == 0)
        names.set(FileID(9), try UploadPath("d/b"))
        #expect(shown() == "d/b" && shown() == "d/b")
        #expect(board.update(VersionID(1)) { $0.status.phase = .queued }?.path.text == "d/b")
        #expect(names.pathsAsked == 1)
        // Another file's.
        names.set(FileID(8), try UploadPath("c"))
        #expect(shown() == "d/b" && shown() == "d/b")
        #expect(names.pathsAsked == 2)
        // Gone: it is shown as it was called last.
        names.set(FileID(9), nil)
        #expect(shown() == "d/b")
    }

    @Test("A path that was asked for before a change is asked for again after it")
    func pathsOfBefore() throws {
        let now = Timestamp(seconds: 1_750_000_000)
        let names = EngineBench.Names()
        names.set(FileID(9), try UploadPath("a"))
        let place = try #require(KnownPath(asked: FileID(9), of: names))
        names.set(FileID(9), try UploadPath("b"))
        let board = StatusBoard(names: names, process: 1, destination: "x", finished: (0, 0), now: { now })
        let entry = try Self.entry(1, .queued)
        board.insert(
            StatusBoard.Entry(status: entry.status, pathAsOf: place.changes, track: nil, sent: ByteCounter()))
        #expect(place.path.text == "a" && board.status(of: FileID(9))?.path.text == "b")
    }

    @Test("When the newest version is taken back, the one before it is shown, and waited for")
    func takenBack() throws {
        let now = Timestamp(seconds: 1_750_000_000)
        let board = StatusBoard(
            names: EngineBench.Names(), process: 1, destination: "x", finished: (0, 0), now: { now })
        board.insert(try Self.entry(1, .queued))
        board.insert(try Self.entry(2, .interrupted))
        #expect(board.status(of: FileID(9))?.version == VersionID(2))
        board.remove(VersionID(2))
        #expect(board.status(of: FileID(9))?.version == VersionID(1))
        let answer = Mutex<Phase?>(nil)
        _ = board.addWaiter(FileID(9)) { status in answer.withLock { $0 = status.phase } }
        _ = board.update(VersionID(1)) { $0.status.phase = .done }
        #expect(answer.withLock { $0 } == .done)
        board.remove(VersionID(1))
        #expect(board.status(of: FileID(9)) == nil)
    }

    @Test("Of many files those are listed that move or need somebody, each kind oldest first; the totals count all")
    func order() throws {
        let now = Timestamp(seconds: 1_750_000_000)
        let board = StatusBoard(
            names: EngineBench.Names(), process: 1, destination: "x", finished: (0, 0), now: { now })
        for version in (Int64(1)...300).reversed() {
            let phase: Phase = version % 100 == 0 ? .failed : version % 100 == 50 ? .uploading : .queued
            board.insert(try Self.entry(version, phase))
        }
        let overview = board.overview(limit: 8)
        #expect(overview.totals.filesByPhase == [.failed: 3, .uploading: 3, .queued: 294])
        #expect(overview.filesNotListed == 292)
        let all = board.overview(limit: .max).files
        #expect(all.count == 300)
        #expect(overview.files.map(\.version) == all.prefix(8).map(\.version))
        #expect(overview.files.map(\.version).suffix(2) == [VersionID(1), VersionID(2)])
        #expect(Set(overview.files.prefix(6).map(\.phase)) == [.failed, .uploading])
        #expect(board.overview(limit: 0).files.isEmpty)
    }
}
