/// Which bytes of one version are where: written, under way, acknowledged. Pure.
///
/// Costs memory by how often the writer jumped about, not by how big the file is: chunks are kept as
/// sets of ranges, and only a chunk that was rewritten after it had been sent has an entry of its own.
package struct ChunkPlan: Sendable {
    package let schedule: ChunkSchedule
    /// Bytes the file has now.
    package private(set) var size: Int64
    /// No writer is left: everything below `size` may travel, holes too.
    package private(set) var isClosed: Bool

    /// Bytes known to be written. Only of interest while a writer is there.
    private var written = RangeSet<Int64>()
    /// Chunks acknowledged with the bytes they have now.
    private var stored = RangeSet<ChunkIndex>()
    /// Of `stored` those whose bytes have left the spool: what the destination has is all there is.
    package private(set) var released = RangeSet<ChunkIndex>()
    /// Chunks under way, with the generation that is travelling.
    private var inFlight: [ChunkIndex: UInt32] = [:]
    /// Generations above 0. A chunk is in here once it was changed after it had been sent.
    private var generations: [ChunkIndex: UInt32] = [:]

    /// A version whose spool file holds `size` bytes already (0 for a new one).
    package init(schedule: ChunkSchedule, size: Int64 = 0, isClosed: Bool = false) {
        self.schedule = schedule
        self.size = size
        self.isClosed = isClosed
        if size > 0 { written.insert(contentsOf: 0..<size) }
    }

    /// How many chunks the file has with the size it has now.
    package var count: Int { schedule.count(size: size) }

    package var inFlightCount: Int { inFlight.count }

    /// Bytes acknowledged, of those the file has now.
    package var acknowledged: Int64 {
        stored.ranges.reduce(0) { $0 + length(of: $1) }
    }

    /// Chunks acknowledged with the bytes they have now.
    package var storedChunks: RangeSet<ChunkIndex> { stored }

    package var storedCount: Int {
        stored.ranges.reduce(0) { $0 + $1.count }
    }

    /// Closed, and all of it acknowledged as it stands.
    package var isComplete: Bool {
        isClosed && inFlight.isEmpty && storedCount == count
    }

    /// Closed, and nothing of it has been sent.
    package var isUntouched: Bool {
        isClosed && inFlight.isEmpty && stored.isEmpty && released.isEmpty && generations.isEmpty
    }

    /// A chunk that was sent has changed since.
    package var hasRewrites: Bool { !generations.isEmpty }

    // MARK: What the writer does

    /// - Returns: the chunks whose acknowledgement is void now.
    package mutating func apply(_ news: WriteTrack.News) -> RangeSet<ChunkIndex> {
        let touched = news.chunks(in: schedule, of: size)
        if let cut = news.truncated, cut < size { written.remove(contentsOf: cut..<size) }
        for range in news.written.ranges { written.insert(contentsOf: range) }
        size = news.size
        return changed(touched)
    }

    package mutating func opened() {
        isClosed = false
    }

    package mutating func closed() {
        isClosed = true
    }

    private mutating func changed(_ chunks: RangeSet<ChunkIndex>) -> RangeSet<ChunkIndex> {
        let void = stored.intersection(chunks)
        for range in void.ranges {
            for index in range { generations[index, default: 0] += 1 }
        }
        stored.subtract(chunks)
        released.subtract(chunks)
        for (index, generation) in inFlight where chunks.contains(index) { generations[index] = generation + 1 }
        return void
    }

    // MARK: What the sender does

    /// The chunk to send next: the lowest whose bytes are all written. One that was rewritten after
    /// it had been sent waits for the close, since whoever rewrites a place tends to do it again.
    package func next() -> ChunkRef? {
        if isClosed { return firstUnsent(in: 0..<count, takingRewritten: true) }
        for range in written.ranges {
            let chunks = schedule.within(range)
            guard !chunks.isEmpty else { continue }
            if let chunk = firstUnsent(in: chunks, takingRewritten: false) { return chunk }
        }
        return nil
    }

    private func firstUnsent(in indexes: Range<ChunkIndex>, takingRewritten: Bool) -> ChunkRef? {
        // What has left the spool can't be sent: it would be zeros.
        for gap in RangeSet(indexes).subtracting(stored).subtracting(released).ranges {
            for index in gap where inFlight[index] == nil && (takingRewritten || generations[index] == nil) {
                return chunk(index)
            }
        }
        return nil
    }

    /// The chunk as it stands now.
    package func chunk(_ index: ChunkIndex) -> ChunkRef {
        let range = schedule.range(of: index)
        return ChunkRef(
            index: index, generation: generations[index] ?? 0,
            range: range.lowerBound..<max(range.lowerBound, min(range.upperBound, size)))
    }

    /// Every chunk of the file as it stands now, in order.
    package var chunks: [ChunkRef] { (0..<count).map(chunk) }

    package mutating func started(_ chunk: ChunkRef) {
        inFlight[chunk.index] = chunk.generation
    }

    /// - Returns: whether the acknowledgement still holds; not when the chunk changed on its way.
    package mutating func acknowledged(_ chunk: ChunkRef) -> Bool {
        inFlight[chunk.index] = nil
        guard chunk == self.chunk(chunk.index), chunk.index < count else { return false }
        stored.insert(contentsOf: chunk.index..<chunk.index + 1)
        return true
    }

    package mutating func failed(_ chunk: ChunkRef) {
        inFlight[chunk.index] = nil
    }

    /// The destination does not have these (any more).
    /// - Returns: whether that is news: some of them counted as stored.
    @discardableResult
    package mutating func lost(_ indexes: some Sequence<ChunkIndex>) -> Bool {
        let before = storedCount
        for index in indexes { stored.remove(contentsOf: index..<index + 1) }
        return storedCount != before
    }

    /// All must be sent again, to another session. What has left the spool stays marked.
    package mutating func forget() {
        stored = RangeSet()
        generations = [:]
    }

    // MARK: Making room

    /// Stored chunks whose bytes could leave the spool while the file is being written, the lowest first. Not
    /// the first one: who goes back, goes back to the begin (a header, an index). Not the last: it may grow.
    package var releasable: RangeSet<ChunkIndex> {
        var chunks = stored.subtracting(released)
        chunks.remove(contentsOf: 0..<1)
        if count > 0 { chunks.remove(contentsOf: count - 1..<count) }
        return chunks
    }

    /// The bytes of these have left the spool.
    package mutating func release(_ indexes: Range<ChunkIndex>) {
        released.insert(contentsOf: indexes)
    }

    /// They have not.
    /// - Parameter areStored: else they are to be sent again.
    package mutating func unrelease(_ chunks: RangeSet<ChunkIndex>, areStored: Bool) {
        released.subtract(chunks)
        if !areStored { stored.subtract(chunks) }
    }

    /// What an earlier process had acknowledged and the destination still has.
    package mutating func recover(_ chunks: some Sequence<StoredChunk>) {
        for known in chunks where known.index < count && known.length == chunk(known.index).length {
            stored.insert(contentsOf: known.index..<known.index + 1)
        }
    }

    private func length(of indexes: Range<ChunkIndex>) -> Int64 {
        let range = schedule.range(of: indexes)
        return max(0, min(size, range.upperBound) - range.lowerBound)
    }
}
