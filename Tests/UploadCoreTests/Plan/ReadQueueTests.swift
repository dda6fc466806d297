import Testing
import UploadCore

private let cell = ReadPattern.cell
private let block = ReadPattern.block

/// What is fetched, in which order, who shares it, and what is kept.
@Suite struct ReadQueueTests {
    private let far: Int64 = 50 << 20

    private func queue(connections: Int = 8, memory: Int64 = 32 << 20) -> (ReadQueue, file: UInt64) {
        var queue = ReadQueue(connections: connections, memory: memory)
        let file = queue.open(size: 100 << 20)
        return (queue, file)
    }

    /// As a destination would answer: each byte tells its place.
    private func bytes(_ range: Range<Int64>) -> [UInt8] { range.map(Self.byte) }
    private static func byte(_ offset: Int64) -> UInt8 { UInt8(truncatingIfNeeded: offset >> 10 &+ offset) }

    private func waits(_ outcome: ReadQueue.Outcome?) throws -> ReadQueue.ReadID {
        var read: ReadQueue.ReadID?
        if case .waits(let waiting)? = outcome { read = waiting }
        return try #require(read, "answered at once")
    }

    private func next(_ queue: inout ReadQueue) throws -> ReadQueue.Fetch {
        let fetch = queue.next()
        return try #require(fetch)
    }

    private func zeros(_ range: Range<Int64>) -> [UInt8] { [UInt8](repeating: 0, count: range.count) }

    @Test("A read waits for its blocks, however they come, and gets its own bytes; the next one finds them")
    func read() throws {
        var (queue, file) = queue()
        let range = far + 100..<far + 2 * block + 100
        let read = try waits(queue.read(range, of: file))
        var fetches: [ReadQueue.Fetch] = []
        while let fetch = queue.next() { fetches.append(fetch) }
        #expect(
            fetches.map(\.range) == [
                far..<far + block, far + block..<far + 2 * block, far + 2 * block..<far + 2 * block + cell,
            ])
        for fetch in fetches.dropFirst().reversed() {
            #expect(queue.fetched(fetch.block, bytes(fetch.range)).isEmpty)
        }
        let answered = queue.fetched(fetches[0].block, bytes(fetches[0].range))
        #expect(answered.map(\.read) == [read])
        #expect(answered.first.map { Array($0.bytes) } == bytes(range))
        #expect(queue.read(far + 5..<far + 10, of: file) == .here(bytes(far + 5..<far + 10)[...]))
        #expect(queue.read(0..<1, of: 99) == nil, "nobody's file")
    }

    @Test("A block is fetched once for all who wait for it")
    func shared() throws {
        var (queue, file) = queue()
        var reads: [ReadQueue.ReadID] = []
        for start in stride(from: far, to: far + 50, by: 10) {
            reads.append(try waits(queue.read(start..<start + 10, of: file)))
        }
        let fetch = try next(&queue)
        #expect(fetch.range == far..<far + cell)
        #expect(queue.next() == nil)
        #expect(queue.fetched(fetch.block, bytes(fetch.range)).map(\.read) == reads)
    }

    @Test("What somebody waits for goes before what is fetched ahead, for which not all connections are taken")
    func order() throws {
        var (queue, file) = queue(connections: 4)
        let whole = try waits(queue.read(0..<block, of: file))
        let other = queue.open(size: 100 << 20)
        let first = try next(&queue)
        #expect(first.range == 0..<block)
        let ahead = try next(&queue)
        #expect(ahead.range == block..<2 * block)
        _ = try waits(queue.read(block..<2 * block, of: file))
        #expect(queue.next() == nil, "ahead there is more to do, but two connections are kept")
        _ = try waits(queue.read(far..<far + 10, of: other))
        #expect(queue.next()?.file == other)
        #expect(queue.fetched(first.block, bytes(first.range)).map(\.read) == [whole])
    }

    @Test("Who is cancelled is forgotten, and its block serves others; who fails is told, and asks again")
    func endings() throws {
        var (queue, file) = queue()
        let gone = try waits(queue.read(far..<far + 10, of: file))
        let fetch = try next(&queue)
        queue.forget(gone)
        let failing = try waits(queue.read(far..<far + 20, of: file))
        #expect(queue.failed(fetch.block) == [failing])
        #expect(queue.used <= 2 * cell)
        let again = try waits(queue.read(far..<far + 20, of: file))
        var fetches: [ReadQueue.Fetch] = []
        while let next = queue.next() { fetches.append(next) }
        let second = try #require(fetches.first { $0.range.contains(far) })
        #expect(queue.fetched(second.block, bytes(second.range)).map(\.read) == [again])
    }

    @Test("A file that is closed takes all along: its reads, its bytes, and what is under way for it")
    func closed() throws {
        var (queue, file) = queue()
        let read = try waits(queue.read(0..<block, of: file))
        let fetch = try next(&queue)
        let gone = queue.close(file)
        #expect(gone.reads == [read] && gone.fetches == [fetch.block])
        #expect(queue.fetched(fetch.block, bytes(fetch.range)).isEmpty)
        #expect(queue.used == 0 && queue.next() == nil)
        #expect(queue.read(0..<1, of: file) == nil)
        #expect(queue.close(file).reads.isEmpty)
    }

    @Test("All files together keep no more than the limit, whatever is read; nothing that is awaited goes")
    func memory() throws {
        var (queue, _) = queue(memory: 4 << 20)
        let files = (0..<20).map { _ in queue.open(size: 100 << 20) }
        for step in 0..<64 {
            for file in files {
                let start = Int64(step) * cell
                _ = queue.read(start..<start + cell, of: file)
                while let fetch = queue.next() { _ = queue.fetched(fetch.block, zeros(fetch.range)) }
                #expect(queue.used <= 4 << 20)
            }
        }
        // What waits passes it, and is answered.
        var fetches: [ReadQueue.Fetch] = []
        let reads = try files.map { try waits(queue.read(far..<far + block, of: $0)) }
        var answered: [ReadQueue.ReadID] = []
        repeat {
            fetches = []
            while let fetch = queue.next() { fetches.append(fetch) }
            for fetch in fetches { answered += queue.fetched(fetch.block, zeros(fetch.range)).map(\.read) }
        } while !fetches.isEmpty
        #expect(Set(answered) == Set(reads))
    }

    @Test("A whole file is read in blocks, each fetched once, in whatever pieces")
    func whole() throws {
        let size: Int64 = (6 << 20) + 12_345
        let content = bytes(0..<size)
        for piece: Int64 in [4096, 128 << 10, 1 << 20, 3_000_001] {
            var queue = ReadQueue(connections: 8, memory: 32 << 20)
            let file = queue.open(size: size)
            var ranges: [Range<Int64>] = []
            var offset: Int64 = 0
            while offset < size {
                let range = offset..<min(size, offset + piece)
                let expected = content[Int(range.lowerBound)..<Int(range.upperBound)]
                switch queue.read(range, of: file) {
                case .here(let found)?: #expect(found == expected)
                case .waits(let read)?:
                    var answer: ArraySlice<UInt8>?
                    while let fetch = queue.next() {
                        ranges.append(fetch.range)
                        let bytes = Array(content[Int(fetch.range.lowerBound)..<Int(fetch.range.upperBound)])
                        for answered in queue.fetched(fetch.block, bytes) where answered.read == read {
                            answer = answered.bytes
                        }
                    }
                    #expect(answer == expected)
                case nil: Issue.record("closed")
                }
                offset = range.upperBound
            }
            #expect(ranges.map(\.count).reduce(0, +) == Int(size))
            #expect(ranges.allSatisfy { $0.count <= Int(block) })
        }
    }
}
