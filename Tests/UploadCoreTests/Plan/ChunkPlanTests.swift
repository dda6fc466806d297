import TestSupport
import Testing
import UploadCore

/// Chunks of ten bytes make the numbers readable.
@Suite struct ChunkPlanTests {
    private static func plan(_ size: Int64 = 0, closed: Bool = false) -> ChunkPlan {
        ChunkPlan(schedule: .equal(10), size: size, isClosed: closed)
    }

    private static func news(
        size: Int64, _ written: Range<Int64>..., truncated: Int64? = nil
    ) -> WriteTrack.News {
        WriteTrack.News(truncated: truncated, written: RangeSet(written), size: size)
    }

    /// Sends and acknowledges whatever the plan gives, and tells which chunks that were.
    private static func sendAll(_ plan: inout ChunkPlan) -> [Int] {
        var sent: [Int] = []
        while let chunk = plan.next() {
            plan.started(chunk)
            #expect(plan.acknowledged(chunk) == true)
            sent.append(chunk.index)
        }
        return sent
    }

    struct Eligible: Sendable, CustomTestStringConvertible {
        let written: [Range<Int64>]
        let closed: Bool
        let chunks: [Int]
        var testDescription: String { "\(written) \(closed ? "closed" : "open") → \(chunks)" }
    }

    @Test(
        "A chunk is sent once all its bytes are written; after the close everything is",
        arguments: [
            Eligible(written: [0..<9], closed: false, chunks: []),
            Eligible(written: [0..<10], closed: false, chunks: [0]),
            Eligible(written: [0..<19], closed: false, chunks: [0]),
            Eligible(written: [0..<25], closed: false, chunks: [0, 1]),
            Eligible(written: [0..<25], closed: true, chunks: [0, 1, 2]),
            Eligible(written: [5..<25], closed: false, chunks: [1]),
            Eligible(written: [5..<25], closed: true, chunks: [0, 1, 2]),
            Eligible(written: [40..<50], closed: false, chunks: [4]),
            Eligible(written: [40..<41], closed: true, chunks: [0, 1, 2, 3, 4]),
            Eligible(written: [0..<5, 5..<10], closed: false, chunks: [0]),
            Eligible(written: [0..<4, 6..<10], closed: false, chunks: []),
            Eligible(written: [], closed: true, chunks: []),
        ])
    func eligible(_ row: Eligible) {
        var plan = Self.plan()
        let size = row.written.map(\.upperBound).max() ?? 0
        _ = plan.apply(WriteTrack.News(truncated: nil, written: RangeSet(row.written), size: size))
        if row.closed { plan.closed() }
        #expect(Self.sendAll(&plan) == row.chunks)
        #expect(plan.isComplete == row.closed)
    }

    @Test("The last chunk ends where the file ends")
    func lastChunkIsShort() throws {
        let plan = Self.plan(25, closed: true)
        #expect(plan.chunks.map(\.range) == [0..<10, 10..<20, 20..<25])
        #expect(plan.count == 3)
    }

    @Test("A chunk rewritten after it was acknowledged is void, waits for the close, and is sent again")
    func rewriteAfterAcknowledgement() {
        var plan = Self.plan()
        _ = plan.apply(Self.news(size: 30, 0..<30))
        #expect(Self.sendAll(&plan) == [0, 1, 2])
        #expect(plan.apply(Self.news(size: 30, 12..<13)) == RangeSet(1..<2))
        #expect(plan.next() == nil)
        #expect(!plan.isComplete)
        plan.closed()
        let again = plan.next()
        #expect(again?.index == 1)
        #expect(again?.generation == 1)
        #expect(Self.sendAll(&plan) == [1])
        #expect(plan.isComplete)
    }

    @Test("The acknowledgement of a chunk that changed on its way does not count")
    func rewriteDuringSending() throws {
        var plan = Self.plan()
        _ = plan.apply(Self.news(size: 10, 0..<10))
        let chunk = try #require(plan.next())
        plan.started(chunk)
        #expect(plan.next() == nil)
        #expect(plan.apply(Self.news(size: 10, 3..<4)).isEmpty)
        #expect(plan.acknowledged(chunk) == false)
        plan.closed()
        #expect(plan.next()?.generation == 1)
    }

    @Test("A file that grows again makes its short last chunk void")
    func growth() {
        var plan = Self.plan()
        _ = plan.apply(Self.news(size: 15, 0..<15))
        plan.closed()
        #expect(Self.sendAll(&plan) == [0, 1])
        plan.opened()
        #expect(plan.apply(Self.news(size: 30, 25..<30)) == RangeSet(1..<2))
        plan.closed()
        #expect(Self.sendAll(&plan) == [1, 2])
        #expect(plan.chunks.map(\.generation) == [0, 1, 0])
    }

    @Test("A cut makes every chunk behind it void, and the one it goes through")
    func cut() {
        var plan = Self.plan()
        _ = plan.apply(Self.news(size: 40, 0..<40))
        #expect(Self.sendAll(&plan) == [0, 1, 2, 3])
        #expect(plan.apply(Self.news(size: 15, truncated: 15)) == RangeSet(1..<4))
        plan.closed()
        #expect(Self.sendAll(&plan) == [1])
        #expect(plan.acknowledged == 15)
        #expect(plan.isComplete)
    }

    @Test("Cut to nothing and written anew between two looks, all is sent anew")
    func cutAndRewritten() {
        var plan = Self.plan()
        _ = plan.apply(Self.news(size: 20, 0..<20))
        #expect(Self.sendAll(&plan) == [0, 1])
        #expect(plan.apply(Self.news(size: 20, 0..<20, truncated: 0)) == RangeSet(0..<2))
        plan.closed()
        #expect(Self.sendAll(&plan) == [0, 1])
    }

    @Test("What an earlier process had acknowledged is not sent again, unless its length is another")
    func recovery() {
        var plan = Self.plan(25, closed: true)
        plan.recover([
            StoredChunk(index: 0, length: 10, digest: "a"), StoredChunk(index: 2, length: 10, digest: "b"),
            StoredChunk(index: 7, length: 10, digest: "c"),
        ])
        #expect(plan.acknowledged == 10)
        #expect(Self.sendAll(&plan) == [1, 2])
    }

    @Test("A failed chunk comes again, and one that the destination lost")
    func failedAndLost() throws {
        var plan = Self.plan(30, closed: true)
        let first = try #require(plan.next())
        plan.started(first)
        plan.failed(first)
        #expect(Self.sendAll(&plan) == [0, 1, 2])
        plan.lost([1])
        #expect(!plan.isComplete)
        #expect(Self.sendAll(&plan) == [1])
    }

    /// Ten thousand sequential chunks are one range.
    @Test("Random operations: what is acknowledged in the end is what was written last", arguments: 0..<50)
    func randomOperations(seed: Int) {
        var random = SplitMix64(state: UInt64(seed))
        var plan = Self.plan()
        let track = WriteTrack(size: 0, schedule: .equal(10))
        // For each chunk the number of the last change, and what of it the destination has.
        var change: [Int: Int] = [:]
        var stored: [Int: Int] = [:]
        var flying: [(ChunkRef, Int)] = []
        for step in 1...300 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                let start = Int64.random(in: 0..<200, using: &random)
                let end = start + Int64.random(in: 1..<40, using: &random)
                if start > track.size {
                    // The hole changes the chunks it begins in, too.
                    for index in Int(track.size / 10)...Int(start / 10) { change[index] = step }
                }
                for index in Int(start / 10)...Int((end - 1) / 10) { change[index] = step }
                if track.size % 10 != 0, end > track.size { change[Int(track.size / 10)] = step }
                _ = track.wrote(start..<end)
            case 2:
                let size = Int64.random(in: 0..<220, using: &random)
                for index in Int(min(size, track.size) / 10)...Int(max(size, track.size) / 10) { change[index] = step }
                _ = track.truncated(to: size)
            case 3:
                _ = plan.apply(track.drain())
            case 4:
                // The engine always drains before it looks.
                _ = plan.apply(track.drain())
                if let chunk = plan.next() {
                    plan.started(chunk)
                    flying.append((chunk, change[chunk.index] ?? 0))
                }
            default:
                guard !flying.isEmpty else { continue }
                let (chunk, content) = flying.removeFirst()
                _ = plan.apply(track.drain())
                if plan.acknowledged(chunk) { stored[chunk.index] = content }
            }
        }
        _ = plan.apply(track.drain())
        for (chunk, content) in flying where plan.acknowledged(chunk) { stored[chunk.index] = content }
        plan.closed()
        while let chunk = plan.next() {
            plan.started(chunk)
            stored[chunk.index] = change[chunk.index] ?? 0
            #expect(plan.acknowledged(chunk) == true)
        }
        #expect(plan.isComplete)
        #expect(plan.size == track.size)
        for index in 0..<plan.count {
            #expect(stored[index] == change[index] ?? 0, "chunk \(index) is not the newest, seed \(seed)")
        }
    }

    @Test("A file of 40 TiB, streamed, is cut into fewer parts than S3 takes, and all of them are sent once")
    func hugeFile() throws {
        var plan = ChunkPlan(schedule: .doubling(8 << 20))
        let size: Int64 = 40 << 40
        var written: Int64 = 0
        var sent = 0
        while written < size {
            // As much as the next part has, and a bit of the one behind it.
            let end = min(size, plan.schedule.range(of: sent).upperBound + 4096)
            _ = plan.apply(Self.news(size: end, written..<end))
            written = end
            let batch = Self.sendAll(&plan)
            #expect(batch == Array(sent..<sent + batch.count))
            sent += batch.count
        }
        plan.closed()
        sent += Self.sendAll(&plan).count
        #expect(plan.isComplete && sent == plan.count && sent < 10_000)
        #expect(plan.acknowledged == size)
    }
}
