/// The number of a chunk in its file, from 0.
package typealias ChunkIndex = Int

/// The bytes of one chunk as they stood at one generation. Every rewrite of a chunk's bytes makes a
/// new generation, so an answer from the network says which bytes it speaks of.
package struct ChunkRef: Hashable, Sendable {
    package let index: ChunkIndex
    package let generation: UInt32
    /// Where its bytes lie in the file.
    package let range: Range<Int64>

    package init(index: ChunkIndex, generation: UInt32, range: Range<Int64>) {
        self.index = index
        self.generation = generation
        self.range = range
    }

    /// How many bytes.
    package var length: Int64 { range.upperBound - range.lowerBound }
}

/// A chunk the destination has acknowledged (or says it has).
package struct StoredChunk: Hashable, Sendable {
    package let index: ChunkIndex
    package let length: Int64
    /// The digest its bytes had, as this destination writes digests.
    package let digest: String

    package init(index: ChunkIndex, length: Int64, digest: String) {
        self.index = index
        self.length = length
        self.digest = digest
    }
}

/// What the journal has of one version's acknowledged chunks, in sum.
package struct ChunkTotals: Hashable, Sendable {
    package var count = 0
    package var bytes: Int64 = 0
    /// The bytes of some of them are no longer in the spool.
    package var isPartlyReleased = false

    package init() {}

    package init(count: Int, bytes: Int64, isPartlyReleased: Bool) {
        self.count = count
        self.bytes = bytes
        self.isPartlyReleased = isPartlyReleased
    }
}

/// How a file is cut into chunks: pure arithmetic, the same for writer, sender and recovery.
///
/// | schedule | chunk i begins at | size of chunk i |
/// | --- | --- | --- |
/// | `.equal(s)` | i · s | s |
/// | `.doubling(s)` | 64 · s · (2^(i div 64) - 1) + (i mod 64) · size | s · 2^(i div 64), at most 5 GiB |
///
/// `.doubling` is for destinations that take a file of unknown size in a limited number of chunks: a chunk has at most
/// 1/32 of what went before it, and 10,000 of them from 8 MiB on make 46 TiB.
package enum ChunkSchedule: Hashable, Sendable {
    /// All chunks (but the last) have this many bytes.
    case equal(Int64)
    /// 64 chunks have this many bytes, the next 64 twice as many, and so on, but none more than 5 GiB.
    case doubling(Int64)

    /// Where chunk `index` lies when the file does not end within it.
    package func range(of index: ChunkIndex) -> Range<Int64> {
        switch self {
        case .equal(let size): Int64(index) * size..<(Int64(index) + 1) * size
        case .doubling(let first): Doubling(first: first).range(of: index)
        }
    }

    /// Where a run of chunks lies when the file does not end within it.
    /// - Parameter indexes: not empty.
    package func range(of indexes: Range<ChunkIndex>) -> Range<Int64> {
        range(of: indexes.lowerBound).lowerBound..<range(of: indexes.upperBound - 1).upperBound
    }

    /// The chunk that holds the byte at `offset`.
    package func index(at offset: Int64) -> ChunkIndex {
        switch self {
        case .equal(let size): Int(offset / size)
        case .doubling(let first): Doubling(first: first).index(at: offset)
        }
    }

    /// How many chunks a file of `size` bytes has; none for an empty file.
    package func count(size: Int64) -> Int {
        size == 0 ? 0 : index(at: size - 1) + 1
    }

    package var firstSize: Int64 { range(of: 0).upperBound }

    /// The chunks that lie in a range with all their bytes.
    package func within(_ range: Range<Int64>) -> Range<ChunkIndex> {
        var first = index(at: range.lowerBound)
        if self.range(of: first).lowerBound < range.lowerBound { first += 1 }
        return first..<max(first, index(at: range.upperBound))
    }
}

/// The arithmetic of `ChunkSchedule.doubling`.
private struct Doubling {
    let first: Int64

    private static let chunksOfOneSize = 64
    private static let largest: Int64 = 5 << 30

    /// How often the size doubles before it would be more than the largest.
    private var doublings: Int { Self.logarithm(max(1, Self.largest / first)) }

    /// How often it can be halved: to base 2, rounded down.
    /// - Parameter number: 1 at least.
    private static func logarithm(_ number: Int64) -> Int { Int64.bitWidth - 1 - number.leadingZeroBitCount }

    /// Where the chunks that are doubled so often begin: before them lie 64 · (1 + 2 + 4 + …) · first bytes.
    private func start(_ doubled: Int) -> Int64 { Int64(Self.chunksOfOneSize) * first * (Int64(1) << doubled - 1) }

    /// From here on all chunks are of the largest size.
    private var plateau: (index: ChunkIndex, offset: Int64) {
        let doubled = doublings + 1
        return (Self.chunksOfOneSize * doubled, start(doubled))
    }

    func range(of index: ChunkIndex) -> Range<Int64> {
        let (flatIndex, flatOffset) = plateau
        if index >= flatIndex {
            let start = flatOffset + Int64(index - flatIndex) * Self.largest
            return start..<start + Self.largest
        }
        let doubled = index / Self.chunksOfOneSize
        let size = first << doubled
        let start = start(doubled) + Int64(index % Self.chunksOfOneSize) * size
        return start..<start + size
    }

    func index(at offset: Int64) -> ChunkIndex {
        let (flatIndex, flatOffset) = plateau
        if offset >= flatOffset { return flatIndex + Int((offset - flatOffset) / Self.largest) }
        // start(n) <= offset means 2^n <= offset / (64 · first) + 1.
        let doubled = Self.logarithm(offset / (Int64(Self.chunksOfOneSize) * first) + 1)
        return doubled * Self.chunksOfOneSize + Int((offset - start(doubled)) / (first << doubled))
    }
}
