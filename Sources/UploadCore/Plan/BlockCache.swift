/// Parts of files that are read from the destination: which are here, which are coming, and which go for others. Pure.
///
/// A block is what one request brings. It begins at a cell's beginning (`ReadPattern.cell`), and each cell is in one
/// block at the most. What somebody waits for always finds room. What is fetched ahead does so within the limit, and
/// takes the place of nothing that was fetched ahead and is still to be read.
package struct BlockCache: Sendable {
    package struct BlockID: Hashable, Comparable, Sendable {
        package let rawValue: UInt64

        package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    private struct Cell: Hashable, Sendable {
        let file: UInt64
        let index: Int64
    }

    private struct Block: Sendable {
        let file: UInt64
        let range: Range<Int64>
        /// nil: it is coming.
        var bytes: [UInt8]?
        /// Those who wait for it, or for others besides it.
        var holders = 0
        var wasRead = false
        var lastUse: UInt64 = 0
    }

    // Constants.
    private let limit: Int64

    // State.
    private var blocks: [BlockID: Block] = [:]
    private var cells: [Cell: BlockID] = [:]
    /// Bytes, of blocks that are coming as well.
    package private(set) var used: Int64 = 0
    private var uses: UInt64 = 0
    private var lastBlock: UInt64 = 0

    /// - Parameter limit: bytes.
    package init(limit: Int64) {
        self.limit = limit
    }

    // MARK: Asking

    /// The blocks that have something of a range, or will have, in their order.
    package func blocks(in range: Range<Int64>, of file: UInt64) -> [BlockID] {
        var found: [BlockID] = []
        for index in Self.cells(range) {
            if let block = cells[Cell(file: file, index: index)], found.last != block { found.append(block) }
        }
        return found
    }

    package func place(of block: BlockID) -> (file: UInt64, range: Range<Int64>)? {
        blocks[block].map { ($0.file, $0.range) }
    }

    package func isHeld(_ block: BlockID) -> Bool { blocks[block].map { $0.holders > 0 } ?? false }

    private static func cells(_ range: Range<Int64>) -> Range<Int64> {
        let cell = ReadPattern.cell
        return range.isEmpty ? 0..<0 : range.lowerBound / cell..<(range.upperBound - 1) / cell + 1
    }

    // MARK: Changing

    /// The bytes of a range, if all of them are here. They count as read from then on.
    package mutating func bytes(in range: Range<Int64>, of file: UInt64) -> ArraySlice<UInt8>? {
        let found = blocks(in: range, of: file)
        var rest = range
        var pieces: [ArraySlice<UInt8>] = []
        for id in found {
            guard let block = blocks[id], let bytes = block.bytes, block.range.contains(rest.lowerBound) else {
                return nil
            }
            let end = min(rest.upperBound, block.range.upperBound)
            pieces.append(bytes[Int(rest.lowerBound - block.range.lowerBound)..<Int(end - block.range.lowerBound)])
            rest = end..<rest.upperBound
        }
        guard rest.isEmpty else { return nil }
        for id in found { touch(id) }
        if pieces.count == 1 { return pieces[0] }
        var whole: [UInt8] = []
        whole.reserveCapacity(range.count)
        for piece in pieces { whole += piece }
        return whole[...]
    }

    private mutating func touch(_ block: BlockID) {
        uses += 1
        blocks[block]?.lastUse = uses
        blocks[block]?.wasRead = true
    }

    /// Makes blocks for what of a range is in none.
    /// - Parameters:
    ///   - range: whole cells, but at the file's end.
    ///   - isNeeded: somebody waits for it; else as far as there is room.
    /// - Returns: those that were made.
    package mutating func cover(_ range: Range<Int64>, of file: UInt64, isNeeded: Bool) -> [BlockID] {
        // What is there of it stays.
        let present = blocks(in: range, of: file)
        hold(present)
        defer { release(present) }
        var made: [BlockID] = []
        var start: Int64?
        let indexes = Self.cells(range)
        for index in indexes {
            let isMissing = cells[Cell(file: file, index: index)] == nil
            if isMissing, start == nil { start = index * ReadPattern.cell }
            let end = min((index + 1) * ReadPattern.cell, range.upperBound)
            let isLast = index == indexes.upperBound - 1
            guard let first = start, !isMissing || isLast || end % ReadPattern.block == 0 else { continue }
            let run = first..<(isMissing ? end : index * ReadPattern.cell)
            guard makeRoom(Int64(run.count), isNeeded: isNeeded) else { break }
            made.append(make(run, of: file))
            start = nil
        }
        return made
    }

    private mutating func make(_ range: Range<Int64>, of file: UInt64) -> BlockID {
        lastBlock += 1
        let id = BlockID(rawValue: lastBlock)
        blocks[id] = Block(file: file, range: range)
        for index in Self.cells(range) { cells[Cell(file: file, index: index)] = id }
        used += Int64(range.count)
        return id
    }

    /// What was read goes first, what was used longest ago before all else.
    private mutating func makeRoom(_ length: Int64, isNeeded: Bool) -> Bool {
        while used + length > limit {
            let spare = blocks.filter { $0.value.bytes != nil && $0.value.holders == 0 }
            let read = spare.filter { $0.value.wasRead }
            let candidates = read.isEmpty && isNeeded ? spare : read
            guard let oldest = candidates.min(by: { ($0.value.lastUse, $0.key) < ($1.value.lastUse, $1.key) }) else {
                return isNeeded
            }
            drop(oldest.key)
        }
        return true
    }

    package mutating func hold(_ held: [BlockID]) {
        for block in held { blocks[block]?.holders += 1 }
    }

    package mutating func release(_ held: [BlockID]) {
        for block in held { blocks[block]?.holders -= 1 }
    }

    /// It has come. One that was dropped meanwhile is not wanted any more.
    package mutating func fill(_ block: BlockID, _ bytes: [UInt8]) {
        uses += 1
        blocks[block]?.bytes = bytes
        blocks[block]?.lastUse = uses
    }

    package mutating func drop(_ block: BlockID) {
        guard let gone = blocks.removeValue(forKey: block) else { return }
        for index in Self.cells(gone.range) { cells[Cell(file: gone.file, index: index)] = nil }
        used -= Int64(gone.range.count)
    }

    /// - Returns: those that it had.
    package mutating func drop(file: UInt64) -> [BlockID] {
        let gone = blocks.filter { $0.value.file == file }.keys.sorted()
        for block in gone { drop(block) }
        return gone
    }
}
