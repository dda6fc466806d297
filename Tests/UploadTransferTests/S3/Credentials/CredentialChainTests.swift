import Synchronization
import TestSupport
import Testing

@testable import UploadTransfer

@Suite("Credentials for who asks", .timeLimit(.minutes(1)))
struct CredentialChainTests {
    /// Gives "1", "2", … each for an hour, through a gate for each.
    private final class Service: Sendable {
        let time = TestTime()
        let gates = (0..<4).map { _ in Gate() }
        let plan = Mutex(CredentialPlan.process(CredentialProcess(profile: "p", words: ["a"])))
        let failure = Mutex<S3CredentialFailure?>(nil)
        private let count = Mutex(0)

        var asked: Int { count.withLock { $0 } }

        func chain() -> CredentialChain {
            CredentialChain(
                plan: { () throws(S3CredentialFailure) in self.plan.withLock { $0 } },
                fetch: { (_) async throws(S3CredentialFailure) in try await self.fetch() }, now: { self.time.now })
        }

        private func fetch() async throws(S3CredentialFailure) -> CredentialLease {
            let number = count.withLock { count in
                count += 1
                return count
            }
            try? await gates[number - 1].pass()
            if let failure = failure.withLock({ $0 }) { throw failure }
            return CredentialLease(
                credentials: S3Credentials(accessKey: "\(number)", secretKey: "s"), end: time.now + 3600)
        }
    }

    @Test("Many who ask at once share one answer")
    func singleFlight() async throws {
        let service = Service()
        let chain = service.chain()
        try await withThrowingTaskGroup(of: String.self) { tasks in
            for _ in 0..<20 { tasks.addTask { try await chain.credentials().accessKey } }
            await service.gates[0].arrivals()
            service.gates[0].open()
            for try await key in tasks { #expect(key == "1") }
        }
        #expect(try await chain.credentials().accessKey == "1")
        #expect(service.asked == 1)
    }

    @Test("Shortly before they end, nobody waits for the next ones; after it, everybody does")
    func renewal() async throws {
        let service = Service()
        let chain = service.chain()
        service.gates[0].open()
        #expect(try await chain.credentials().accessKey == "1")
        service.time.pass(3400)
        #expect(try await chain.credentials().accessKey == "1")
        await service.gates[1].arrivals()
        #expect(try await chain.credentials().accessKey == "1")
        service.time.pass(200)
        async let late = chain.credentials().accessKey
        service.gates[1].open()
        #expect(try await late == "2")
        #expect(service.asked == 2)
    }

    @Test("Those that were refused are asked for again")
    func refused() async throws {
        let service = Service()
        let chain = service.chain()
        for gate in service.gates { gate.open() }
        let first = try await chain.credentials()
        service.time.pass(10)
        chain.refused(first)
        #expect(try await chain.credentials().accessKey == "2")
        // Who was refused with the first ones comes late.
        chain.refused(first)
        #expect(try await chain.credentials().accessKey == "2")
        #expect(service.asked == 2)
    }

    @Test("A failure is everybody's, and passes")
    func failure() async throws {
        let service = Service()
        let chain = service.chain()
        for gate in service.gates { gate.open() }
        service.failure.withLock { $0 = .passing("no network") }
        await #expect(throws: S3CredentialFailure.passing("no network")) { _ = try await chain.credentials() }
        await #expect(throws: S3CredentialFailure.passing("no network")) { _ = try await chain.credentials() }
        #expect(service.asked == 1)
        service.failure.withLock { $0 = nil }
        service.time.pass(6)
        #expect(try await chain.credentials().accessKey == "2")
    }

    @Test("Who is cancelled goes at once; the others get what was asked for")
    func cancelled() async throws {
        let service = Service()
        let chain = service.chain()
        let first = Task { try await chain.credentials() }
        await service.gates[0].arrivals()
        let second = Task { try await chain.credentials().accessKey }
        first.cancel()
        await #expect(throws: S3CredentialFailure.cancelled) { _ = try await first.value }
        service.gates[0].open()
        #expect(try await second.value == "1")
        #expect(service.asked == 1)
    }

    @Test("Keys that are set are read each second, and after a refusal; another plan knows nothing of the one before")
    func plans() async throws {
        let service = Service()
        let chain = service.chain()
        for gate in service.gates { gate.open() }
        #expect(try await chain.credentials().accessKey == "1")
        for key in ["a", "b"] {
            let before = try await chain.credentials().accessKey
            service.plan.withLock { $0 = .fixed(S3Credentials(accessKey: key, secretKey: "s")) }
            #expect(try await chain.credentials().accessKey == before)
            service.time.pass(1)
            #expect(try await chain.credentials().accessKey == key)
        }
        service.plan.withLock { $0 = .process(CredentialProcess(profile: "p", words: ["b"])) }
        chain.refused(S3Credentials(accessKey: "b", secretKey: "s"))
        #expect(try await chain.credentials().accessKey == "2")
    }
}
