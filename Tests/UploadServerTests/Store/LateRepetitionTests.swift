import NIOCore
import Testing
import UploadCore

@testable import UploadServer

/// A request that was cut off may reach the store after the one that repeated it: on a busy machine its head waits
/// in a queue while the repetition is taken in and acknowledged.
@Suite(.timeLimit(.minutes(1)))
struct LateRepetitionTests {
    private struct CutOff: Error {}

    private static let text = "aaaaaaaa"

    /// The whole chunk, or half of it and then the broken connection.
    private static func body(isCutOff: Bool) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { body in
            body.yield(ByteBuffer(string: String(isCutOff ? text.prefix(4) : text[...])))
            body.finish(throwing: isCutOff ? CutOff() : nil)
        }
    }

    @Test("What was acknowledged stays stored, whenever a repetition of it breaks off")
    func acknowledgedStays() async throws {
        let clock = WallClock()
        let (store, directory) = try storeUnderTest(clock: clock)
        store.calls.start()
        let digest = try #require(DigestField.parse(digest(Self.text)))
        let session = try await store.begin(
            SessionParameters(name: "a", contentType: "a/b", chunkSize: 8, metadata: [:]))
        @Sendable func send(_ index: Int, isCutOff: Bool) async -> Bool {
            do throws(StoreError) {
                try await session.store(
                    Self.body(isCutOff: isCutOff), index: index, length: 8, digest: digest, clock: { clock.now })
                return true
            } catch {
                return false
            }
        }
        var acknowledged: Set<Int> = []
        for index in 0..<20_000 {
            async let broken = send(index, isCutOff: true)
            if await send(index, isCutOff: false) { acknowledged.insert(index) }
            #expect(await !broken)
        }
        #expect(acknowledged.count > 1_000)
        let lost = acknowledged.subtracting(session.inventory().map(\.index)).count
        #expect(lost == 0)
        try await store.calls.stop()
        withExtendedLifetime(directory) {}
    }
}
