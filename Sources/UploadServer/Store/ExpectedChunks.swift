import UploadCore

/// The chunks that a file of a known size consists of: pure.
struct ExpectedChunks: Sendable {
    let size: Int64
    private let schedule: ChunkSchedule

    init(size: Int64, chunkSize: Int64) {
        self.size = size
        schedule = .equal(chunkSize)
    }

    var count: Int { schedule.count(size: size) }

    /// Cut off where the file ends.
    func range(of index: Int) -> Range<Int64> {
        schedule.range(of: index).clamped(to: 0..<size)
    }

    /// Which of them are not stored with just the length they must have. Chunks beyond the end don't matter.
    func missing(from records: [Int: ChunkRecord]) -> [Int] {
        (0..<count).filter { index in
            let range = range(of: index)
            return records[index]?.length != range.upperBound - range.lowerBound
        }
    }
}
