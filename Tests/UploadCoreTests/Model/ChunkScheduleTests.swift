import Testing
import UploadCore

/// Where the chunks of a file lie.
@Suite struct ChunkScheduleTests {
    private static let mebibyte: Int64 = 1 << 20
    private static let doubling = ChunkSchedule.doubling(8 * mebibyte)

    @Test(
        "64 chunks of a size, then 64 of twice that, at last of 5 GiB",
        arguments: [
            (0, 0, 8), (1, 8, 8), (63, 504, 8), (64, 512, 16), (65, 528, 16), (127, 1520, 16), (128, 1536, 32),
            (639, 519_680 - 4096 + 8 * 512, 4096), (640, 523_776, 5120), (641, 528_896, 5120),
        ])
    func doubles(index: Int, start: Int64, size: Int64) {
        let range = Self.doubling.range(of: index)
        #expect(range.lowerBound == start * Self.mebibyte)
        #expect(range.upperBound - range.lowerBound == size * Self.mebibyte)
    }

    @Test("Each byte is in one chunk, and the chunks follow each other", arguments: [doubling, .equal(1000)])
    func covers(schedule: ChunkSchedule) {
        var end: Int64 = 0
        for index in 0..<10_000 {
            let range = schedule.range(of: index)
            #expect(range.lowerBound == end)
            #expect(schedule.index(at: range.lowerBound) == index && schedule.index(at: range.upperBound - 1) == index)
            end = range.upperBound
        }
        #expect(schedule.range(of: 0..<10_000) == 0..<end)
        #expect(schedule.count(size: end) == 10_000 && schedule.count(size: 0) == 0)
    }

    @Test("10,000 chunks hold more than the 50 TB that S3 takes, and each is within its limits")
    func reaches() {
        let last = Self.doubling.range(of: 9_999)
        #expect(last.upperBound > 50_000_000_000_000)
        #expect(last.upperBound - last.lowerBound == 5 << 30)
        // A 40 TiB file.
        #expect(Self.doubling.count(size: 40 << 40) < 9_000)
    }

    @Test("A chunk is at most an eighth of what went before it, from 1 GiB on a thirtieth")
    func grows() {
        for index in 64..<640 {
            let range = Self.doubling.range(of: index)
            #expect((range.upperBound - range.lowerBound) * 30 <= range.lowerBound)
        }
    }
}
