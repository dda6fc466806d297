import Crypto
import Testing
import UploadCore

@testable import UploadServer

/// What the store decides without touching a file.
struct PureStoreTests {
    private let digest = ContentDigest(SHA256.hash(data: Array("x".utf8)))

    @Test("The order of publishing is each path's own, and paths are told apart by their bytes")
    func order() throws {
        let order = PublishOrder()
        func publish(_ name: String, _ number: String) -> Bool {
            (try? order.publish(try UploadPath(name), PublishNumber(number), {})) != nil
        }
        #expect(publish("\u{e9}", "r/5") && publish("e\u{301}", "r/4") && publish("b", "r/3"))
        #expect(!publish("\u{e9}", "r/4") && publish("\u{e9}", "r/6") && publish("\u{e9}", "other/1"))
    }

    private func record(_ length: Int64) -> ChunkRecord { ChunkRecord(length: length, digest: digest) }

    @Test func aDigestKeepsItsBytes() throws {
        let bytes = Array(SHA256.hash(data: Array("x".utf8)))
        #expect(digest.bytes == bytes)
        #expect(digest.hex == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")
        #expect(ContentDigest(hex: digest.hex) == digest)
        #expect(ContentDigest(bytes: bytes) == digest)
        #expect(ContentDigest(hex: digest.hex.dropLast()) == nil)
        #expect(ContentDigest(hex: "g" + digest.hex.dropFirst()) == nil)
        #expect(ContentDigest(bytes: bytes.dropLast()) == nil)
    }

    @Test func theLogIsReplayedInItsOrder() {
        let lines: [ChunkLog.Entry] = [
            .stored(0, record(8)), .stored(7, record(3)), .dropped(0), .dropped(5), .stored(5, record(8)),
        ]
        let text = lines.map(ChunkLog.line).joined()
        let (records, length) = ChunkLog.replay(Array(text.utf8))
        #expect(records == [7: record(3), 5: record(8)])
        #expect(length == text.utf8.count)
    }

    /// Whatever a kill left of the last line, nothing of it counts, and everything before it does.
    @Test func aTornLineCountsForNothing() {
        let whole = ChunkLog.line(.stored(0, record(8)))
        for last in [ChunkLog.line(.stored(1, record(8))), ChunkLog.line(.dropped(0))] {
            for cut in 0..<last.utf8.count {
                let (records, length) = ChunkLog.replay(Array(whole.utf8) + Array(last.utf8.prefix(cut)))
                #expect(records == [0: record(8)])
                #expect(length == whole.utf8.count)
            }
        }
    }

    @Test(
        arguments: [
            (0, 0, [:], []), (16, 2, [0: 8, 1: 8], []), (17, 3, [0: 8, 1: 8, 2: 1], []),
            (17, 3, [0: 8, 1: 8, 2: 8], [2]),
            (17, 3, [1: 7], [0, 1, 2]), (9, 2, [0: 8, 1: 1, 2: 8, 9: 8], []),
        ] as [(Int64, Int, [Int: Int64], [Int])])
    func chunksThatAreMissing(_ size: Int64, _ count: Int, _ stored: [Int: Int64], _ missing: [Int]) {
        let expected = ExpectedChunks(size: size, chunkSize: 8)
        #expect(expected.count == count)
        #expect(expected.missing(from: stored.mapValues(record)) == missing)
    }

    /// A prefix with one step begun.
    private func begun(_ prefix: inout HashedPrefix) throws -> HashedPrefix.Step {
        let isMine = prefix.begin()
        let step = prefix.next(record(8))
        #expect(isMine)
        return try #require(step)
    }

    @Test func thePrefixAdvancesOverWhatIsThere() throws {
        var prefix = HashedPrefix()
        let step = try begun(&prefix)
        let isSecondTaken = prefix.begin()
        #expect(!isSecondTaken, "only one at a time")
        prefix.accept(step)
        #expect(prefix.chunks == 1 && prefix.bytes == 8)
        let end = prefix.next(nil)
        #expect(end?.index == nil)
        let isNextTaken = prefix.begin()
        #expect(isNextTaken, "the one before is over")
    }

    @Test func aStepWhoseBytesChangeMeanwhileIsNotTakenIn() throws {
        var prefix = HashedPrefix()
        let step = try begun(&prefix)
        prefix.invalidate(0)
        prefix.accept(step)
        #expect(prefix.chunks == 0 && prefix.bytes == 0)
    }

    @Test func aChangeBeyondThePrefixLeavesItAlone() throws {
        var prefix = HashedPrefix()
        let step = try begun(&prefix)
        prefix.invalidate(1)
        prefix.accept(step)
        #expect(prefix.chunks == 1)
    }

    @Test func aChangeInsideThePrefixBeginsAgainButNotForEver() throws {
        var prefix = HashedPrefix()
        for _ in 0..<3 {
            prefix.accept(try begun(&prefix))
            let end = prefix.next(nil)
            #expect(end?.index == nil)
            prefix.invalidate(0)
            #expect(prefix.chunks == 0 && prefix.bytes == 0)
        }
        let isTaken = prefix.begin()
        #expect(!isTaken, "the rest is for finalize")
    }

    @Test func onlyWhatWeGaveOutIsASession() throws {
        let id = SessionIdentifier.random()
        #expect(SessionIdentifier(id.text) == id)
        #expect(id.text.utf8.count == 32)
        for text in [
            "", "..", "../" + id.text.dropFirst(3), id.text.uppercased() + "A", id.text + "0",
            "g" + id.text.dropFirst(),
        ] {
            #expect(SessionIdentifier(text) == nil)
        }
    }
}
