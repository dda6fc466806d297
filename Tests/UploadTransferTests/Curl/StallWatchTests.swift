import Testing

@testable import UploadTransfer

struct StallWatchTests {
    private let start = ContinuousClock.now
    private let allowance = Duration.seconds(8)

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    @Test func `nothing stalls before there is a connection`() {
        var watch = StallWatch<ContinuousClock.Instant>()
        func stalled(_ second: Int, queue: Int?) -> Bool {
            watch.look(at: at(second), allowance: allowance, queue: queue)
        }
        #expect(watch.nextLook == nil)
        #expect(!stalled(1000, queue: 0))
    }

    @Test func `it stalls when the allowance has passed, and not before`() {
        var watch = StallWatch<ContinuousClock.Instant>()
        func stalled(_ second: Int, queue: Int?) -> Bool {
            watch.look(at: at(second), allowance: allowance, queue: queue)
        }
        watch.moved(at: start, allowance: allowance)
        for second in 1...7 { #expect(!stalled(second, queue: 5)) }
        #expect(watch.nextLook == at(8))
        #expect(stalled(8, queue: 5))
    }

    @Test func `movement begins the time anew`() {
        var watch = StallWatch<ContinuousClock.Instant>()
        func stalled(_ second: Int, queue: Int?) -> Bool {
            watch.look(at: at(second), allowance: allowance, queue: queue)
        }
        watch.moved(at: start, allowance: allowance)
        watch.moved(at: at(7), allowance: allowance)
        #expect(!stalled(14, queue: nil))
        #expect(stalled(15, queue: nil))
    }

    /// On a slow line the kernel sends for a long time after it has taken the last byte from us.
    @Test func `a send queue that shrinks is movement, one that stays is none`() {
        var watch = StallWatch<ContinuousClock.Instant>()
        func stalled(_ second: Int, queue: Int?) -> Bool {
            watch.look(at: at(second), allowance: allowance, queue: queue)
        }
        watch.moved(at: start, allowance: allowance)
        #expect(!stalled(6, queue: 900))
        #expect(!stalled(9, queue: 800))
        #expect(!stalled(16, queue: 800))
        #expect(stalled(17, queue: 800))
    }
}
