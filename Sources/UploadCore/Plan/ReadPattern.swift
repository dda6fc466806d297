/// What will be wanted of a file next, told by what was read of it. Pure.
///
/// Where somebody reads on is a stream, whoever reads: one of several that go through a file at once, each followed by
/// itself. The beginning of a file, and what follows something that was read, is read in sequence; all else is a jump.
///
/// | read in sequence so far | fetched ahead |
/// | --- | --- |
/// | nothing: a jump | nothing |
/// | 128 KiB | 128 KiB |
/// | 1 MiB | 1 MiB, to the end of a block |
/// | 4 MiB and more | 4 MiB, to the end of a block |
package struct ReadPattern: Sendable, Hashable {
    /// Bytes: ranges that are fetched begin at multiples of it.
    package static let cell: Int64 = 128 << 10
    /// Bytes of one request at the most, which ends at a multiple of it.
    package static let block: Int64 = 1 << 20
    private static let farthest: Int64 = 4 << 20
    /// Who reads ahead by itself (the kernel) asks for several pieces at once, and they come in any order.
    private static let slack = block
    private static let mostStreams = 8

    private struct Stream: Sendable, Hashable {
        var end: Int64
        /// Read in sequence.
        var length: Int64

        func goesOn(at offset: Int64) -> Bool { abs(offset - end) <= ReadPattern.slack }
    }

    /// The one that was read last is the last one.
    private var streams: [Stream] = []

    package struct Wish: Sendable, Hashable {
        /// What was asked for, in whole cells.
        package let needed: Range<Int64>
        /// What is worth having besides: it follows.
        package let ahead: Range<Int64>
    }

    package init() {}

    /// - Parameters:
    ///   - range: not empty, and within the file.
    ///   - size: of the file.
    package mutating func read(_ range: Range<Int64>, of size: Int64) -> Wish {
        let stream = follow(range)
        let end = min(size, Self.roundUp(range.upperBound, Self.cell))
        let needed = range.lowerBound / Self.cell * Self.cell..<end
        let distance = min(stream.length, Self.farthest)
        guard distance > 0 else { return Wish(needed: needed, ahead: end..<end) }
        let target = Self.roundUp(stream.end + distance, distance >= Self.block ? Self.block : Self.cell)
        return Wish(needed: needed, ahead: end..<max(end, min(size, target)))
    }

    private mutating func follow(_ range: Range<Int64>) -> Stream {
        var stream: Stream
        if let index = streams.lastIndex(where: { $0.goesOn(at: range.lowerBound) }) {
            stream = streams.remove(at: index)
            stream.length += max(0, range.upperBound - stream.end)
            stream.end = max(stream.end, range.upperBound)
        } else {
            let isBeginning = range.lowerBound == 0
            stream = Stream(end: range.upperBound, length: isBeginning ? range.upperBound : 0)
            if streams.count == Self.mostStreams { streams.removeFirst() }
        }
        streams.append(stream)
        return stream
    }

    private static func roundUp(_ offset: Int64, _ unit: Int64) -> Int64 { (offset + unit - 1) / unit * unit }
}
