/// Reads of published files, and the requests that they are made of: what is fetched next, who shares it, and who is
/// answered by it. Pure.
///
///     read ──all is here──▶ answered at once
///     read ──▶ waits ──its last block has come──▶ answered
///                   ├──one of its blocks can't be had──▶ failed
///                   └──cancelled, or its file closed──▶ forgotten
///
/// A block is fetched once, however many wait for it. What somebody waits for goes before what is fetched ahead.
package struct ReadQueue: Sendable {
    package typealias BlockID = BlockCache.BlockID

    package struct ReadID: Hashable, Comparable, Sendable {
        package let rawValue: UInt64

        package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    package enum Outcome: Sendable, Hashable {
        case here(ArraySlice<UInt8>)
        case waits(ReadID)
    }

    package struct Fetch: Sendable, Hashable {
        package let block: BlockID
        package let file: UInt64
        package let range: Range<Int64>
    }

    private struct File: Sendable {
        let size: Int64
        var pattern = ReadPattern()
    }

    private struct Read: Sendable {
        let file: UInt64
        let range: Range<Int64>
        let blocks: [BlockID]
    }

    /// Requests that are left to those for whom somebody waits.
    private static let kept = 2

    // Constants.
    private let connections: Int

    // State.
    private var cache: BlockCache
    private var files: [UInt64: File] = [:]
    private var reads: [ReadID: Read] = [:]
    /// In the order in which they were wanted.
    private var unstarted: [BlockID] = []
    private var running: Set<BlockID> = []
    private var lastFile: UInt64 = 0
    private var lastRead: UInt64 = 0

    /// - Parameters:
    ///   - connections: requests at once.
    ///   - memory: bytes that are kept.
    package init(connections: Int, memory: Int64) {
        self.connections = max(Self.kept + 1, connections)
        cache = BlockCache(limit: memory)
    }

    /// Bytes that are kept, and that are coming.
    package var used: Int64 { cache.used }

    /// - Returns: its number here.
    package mutating func open(size: Int64) -> UInt64 {
        lastFile += 1
        files[lastFile] = File(size: size)
        return lastFile
    }

    /// - Parameter range: not empty, and within the file.
    /// - Returns: nil when the file was closed.
    package mutating func read(_ range: Range<Int64>, of file: UInt64) -> Outcome? {
        guard let size = files[file]?.size, let wish = files[file]?.pattern.read(range, of: size) else { return nil }
        unstarted += cache.cover(wish.needed, of: file, isNeeded: true)
        let outcome: Outcome
        if let bytes = cache.bytes(in: range, of: file) {
            outcome = .here(bytes)
        } else {
            lastRead += 1
            let read = Read(file: file, range: range, blocks: cache.blocks(in: range, of: file))
            cache.hold(read.blocks)
            reads[ReadID(rawValue: lastRead)] = read
            outcome = .waits(ReadID(rawValue: lastRead))
        }
        unstarted += cache.cover(wish.ahead, of: file, isNeeded: false)
        return outcome
    }

    /// What is to be fetched now; nil: nothing, or as much as may be is under way.
    package mutating func next() -> Fetch? {
        guard running.count < connections else { return nil }
        let mayFetchAhead = running.count < connections - Self.kept
        let needed = unstarted.firstIndex { cache.isHeld($0) }
        guard let index = needed ?? (mayFetchAhead ? unstarted.indices.first : nil) else { return nil }
        let block = unstarted.remove(at: index)
        guard let place = cache.place(of: block) else { return nil }
        running.insert(block)
        return Fetch(block: block, file: place.file, range: place.range)
    }

    /// - Returns: who is answered by it, in the order in which they asked.
    package mutating func fetched(_ block: BlockID, _ bytes: [UInt8]) -> [(read: ReadID, bytes: ArraySlice<UInt8>)] {
        running.remove(block)
        cache.fill(block, bytes)
        var answered: [(read: ReadID, bytes: ArraySlice<UInt8>)] = []
        for (id, read) in waiting(for: block) {
            guard let bytes = cache.bytes(in: read.range, of: read.file) else { continue }
            forget(id)
            answered.append((id, bytes))
        }
        return answered
    }

    /// It can't be had (now): who asks again has it fetched again.
    /// - Returns: who waits for it in vain, in the order in which they asked.
    package mutating func failed(_ block: BlockID) -> [ReadID] {
        running.remove(block)
        let failed = waiting(for: block).map(\.id)
        for read in failed { forget(read) }
        cache.drop(block)
        return failed
    }

    private func waiting(for block: BlockID) -> [(id: ReadID, read: Read)] {
        reads.filter { $0.value.blocks.contains(block) }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Nobody waits for it any more. What was fetched for it counts as fetched ahead.
    package mutating func forget(_ read: ReadID) {
        guard let gone = reads.removeValue(forKey: read) else { return }
        cache.release(gone.blocks)
    }

    /// - Returns: who waits for something of it, and what is being fetched of it: the outcome of that is to be told
    ///   all the same.
    package mutating func close(_ file: UInt64) -> (reads: [ReadID], fetches: [BlockID]) {
        guard files.removeValue(forKey: file) != nil else { return ([], []) }
        let gone = reads.filter { $0.value.file == file }.keys.sorted()
        for read in gone { forget(read) }
        let blocks = cache.drop(file: file)
        unstarted.removeAll(where: blocks.contains)
        return (gone, blocks.filter(running.contains))
    }
}
