import Testing
import UploadCore

private let cell = ReadPattern.cell
private let block = ReadPattern.block

/// How far ahead is fetched.
@Suite struct ReadPatternTests {
    private let size: Int64 = 100 << 20

    @Test("What is asked for is rounded to cells, within the file")
    func cells() {
        var pattern = ReadPattern()
        #expect(pattern.read(50 << 20..<(50 << 20) + 1, of: size).needed == 50 << 20..<(50 << 20) + cell)
        let end = pattern.read(size - 10..<size, of: size)
        #expect(end.needed == size - cell..<size && end.ahead.isEmpty)
        let small = ReadPattern().reading(0..<5, of: 5)
        #expect(small.needed == 0..<5 && small.ahead.isEmpty)
    }

    @Test("From the beginning on more and more is fetched ahead: four blocks in the end, and never a little at a time")
    func sequence() {
        var pattern = ReadPattern()
        var reached: Int64 = 0
        var pieces: [Int64] = []
        for offset in stride(from: 0, to: 20 << 20, by: Int(cell)) {
            let wish = pattern.read(Int64(offset)..<Int64(offset) + cell, of: size)
            #expect(wish.ahead.lowerBound == wish.needed.upperBound)
            if wish.ahead.upperBound > reached {
                pieces.append(wish.ahead.upperBound - max(reached, wish.needed.lowerBound))
                reached = wish.ahead.upperBound
            }
        }
        #expect(reached == (20 << 20) + (4 << 20))
        #expect(pieces.first == 2 * cell)
        #expect(pieces.suffix(10).allSatisfy { $0 == block })
    }

    @Test("Jumps bring just what is asked for; what follows one is a sequence again")
    func jumps() {
        var pattern = ReadPattern()
        for offset: Int64 in [70, 20, 50, 90, 10, 33] {
            #expect(pattern.read(offset << 20..<(offset << 20) + 4096, of: size).ahead.isEmpty)
        }
        let after = (33 << 20) + Int64(4096)
        #expect(!pattern.read(after..<after + cell, of: size).ahead.isEmpty)
    }

    @Test("Several streams through one file are followed each by itself, and pieces may come in any order")
    func streams() {
        var pattern = ReadPattern()
        var last: [ReadPattern.Wish] = []
        for step in 0..<40 {
            last = [0, 30, 60].map { (start: Int64) in
                // Two pieces, the later one first.
                let offset = (start << 20) + Int64(step ^ 1) * cell
                return pattern.read(offset..<offset + cell, of: size)
            }
        }
        for wish in last { #expect(wish.ahead.upperBound - wish.needed.upperBound >= 4 << 20) }
    }
}

extension ReadPattern {
    fileprivate func reading(_ range: Range<Int64>, of size: Int64) -> Wish {
        var pattern = self
        return pattern.read(range, of: size)
    }
}
