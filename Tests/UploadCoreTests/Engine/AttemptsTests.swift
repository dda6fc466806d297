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
            world: await bench.engine.world, policy: RetryPolicy(), isWorthwhile: { isThere }, willRetry: { _ in })
        let request =
            Task {
                do throws(DestinationError) {
                    try await attempts.make("put") { () async throws(DestinationError) in
                        requests.add(1, ordering: .relaxed)
                        throw .unreachable(.refused)
                    }
                    return nil
                } catch {
                    return error
                }
            } as Task<DestinationError?, Never>
        let isOver = Atomic<Bool>(false)
        async let error = {
            let error = await request.value
            isOver.store(true, ordering: .releasing)
            return error
        }()
        while !isOver.load(ordering: .acquiring) {
            bench.clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(await error == .unreachable(.refused))
        #expect(requests.load(ordering: .relaxed) == (isThere ? 3 : 1))
        await bench.stop()
    }
}
