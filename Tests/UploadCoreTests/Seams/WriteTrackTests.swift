import Testing
import UploadCore

@Suite struct WriteTrackTests {
    @Test("A straight writer wakes the engine once for each chunk, not for each write")
    func waking() {
        let track = WriteTrack(size: 0, schedule: .equal(1000))
        var wakes = 0
        for step in 0..<100 where track.wrote(Int64(step) * 100..<Int64(step + 1) * 100) {
            wakes += 1
            _ = track.drain()
        }
        #expect(wakes == 10)
    }

    @Test("As long as it was not drained, nobody is woken twice")
    func wokenOnce() {
        let track = WriteTrack(size: 0, schedule: .equal(10))
        #expect(track.wrote(0..<10))
        #expect(!track.wrote(10..<20))
        #expect(track.drain().written == RangeSet(0..<20))
        #expect(track.wrote(20..<30))
    }

    @Test("A jump wakes at once: it may be a rewrite of what has been sent")
    func jumping() {
        let track = WriteTrack(size: 0, schedule: .equal(1000))
        #expect(!track.wrote(0..<100))
        #expect(track.wrote(50..<60))
    }

    @Test("A cut takes away what was written behind it, and is told with the shortest size")
    func cutting() {
        let track = WriteTrack(size: 50, schedule: .equal(10))
        _ = track.wrote(50..<100)
        _ = track.truncated(to: 20)
        _ = track.truncated(to: 60)
        _ = track.wrote(30..<40)
        let news = track.drain()
        #expect(news.truncated == 20)
        #expect(news.written == RangeSet(30..<40))
        #expect(news.size == 60)
        #expect(!track.hasNews)
    }

    @Test("Longer by truncate is news, too")
    func extending() {
        let track = WriteTrack(size: 5, schedule: .equal(10))
        #expect(!track.hasNews)
        #expect(track.truncated(to: 9))
        #expect(track.hasNews)
        #expect(track.drain().size == 9)
        #expect(track.initialSize == 5)
    }

    @Test("What the journal may not know yet is named until it does: written, cut, and a short end that grew")
    func unsettled() {
        let track = WriteTrack(size: 25, schedule: .equal(10))
        #expect(track.unsettled.isEmpty)
        _ = track.wrote(3..<4)
        #expect(track.unsettled == RangeSet(0..<1))
        _ = track.drain()
        #expect(track.unsettled == RangeSet(0..<1), "drained is not journalled")
        _ = track.wrote(45..<46)
        #expect(track.unsettled == RangeSet([0..<1, 2..<3, 4..<5]))
        track.settled()
        #expect(track.unsettled == RangeSet([2..<3, 4..<5]), "what came after the drain")
        _ = track.drain()
        track.settled()
        #expect(track.unsettled.isEmpty)
        _ = track.truncated(to: 15)
        _ = track.drain()
        _ = track.truncated(to: 46)
        #expect(track.unsettled == RangeSet(1..<5))
        track.settled()
        #expect(track.unsettled == RangeSet(1..<2))
    }
}
