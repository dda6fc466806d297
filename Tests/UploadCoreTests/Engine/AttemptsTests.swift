import Synchronization
import TestSupport
import Testing

@testable import UploadCore

@Suite("A request's quick attempts", .timeLimit(.minutes(1)))
struct AttemptsTests {
    @Test("are three, and no more than one once nobody is known to be there", arguments: [true, false])
    func worthwhile(isThere: Bool) async throws {
        let bench = try await EngineBench()
        let requests = Atomic<Int>(0)
        let attempts = Attempts(
            world: await bench.engine.world, policy: RetryPolicy(), isWorthwhile: { _ in isThere }, willRetry: { _ in })
        let failure = Mutex<DestinationError?>(nil)
        Task {
            do throws(DestinationError) {
                try await attempts.make("put") { () async throws(DestinationError) in
                    requests.add(1, ordering: .relaxed)
                    throw .unreachable(.refused)
                }
            } catch {
                failure.withLock { $0 = error }
            }
        }
        while failure.withLock({ $0 == nil }) {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(failure.withLock { $0 } == .unreachable(.refused))
        #expect(requests.load(ordering: .relaxed) == (isThere ? 3 : 1))
        await bench.stop()
    }
}
