import Foundation
import TestSupport
import Testing
import UploadCore

@testable import UploadServer

/// init, chunk, status, finalize, abort over a real connection.
@Suite(.timeLimit(.minutes(1)))
struct SessionRouteTests {
    @Test func chunksInAnyOrderBecomeAFile() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin("photos/a b.bin")
            #expect(session.chunkSize == 8)
            #expect(session.maxFileSize == nil)
            let stored = try await server.chunk(session.session, 2, "c")
            #expect(stored.status == 200)
            #expect(
                try stored.decode(NativeProtocol.ChunkEntry.self)
                    == NativeProtocol.ChunkEntry(index: 2, size: 1, digest: digest("c")))
            try await server.chunk(session.session, 0, "aaaaaaaa")
            let status = try await server.status(session.session)
            #expect(status.chunks.map(\.index) == [0, 2])
            #expect(status.chunks.map(\.size) == [8, 1])
            #expect(status.chunks.first?.digest == digest("aaaaaaaa"))
            try await server.chunk(session.session, 1, "bbbbbbbb")

            let answer = try await server.finalize(
                session.session, "photos/c d.bin", "aaaaaaaabbbbbbbbc",
                metadata: ["mtime": "1700000000.5", "mode": "640"])
            let receipt = try answer.decode(NativeProtocol.FinalizeResponse.self)
            #expect(answer.status == 200)
            #expect(receipt.url == "http://127.0.0.1:\(server.port)/files/photos/c%20d.bin")
            #expect(receipt.size == 17)
            #expect(receipt.digest == digest("aaaaaaaabbbbbbbbc"))
            #expect(try contents(server.path("photos/c d.bin")) == "aaaaaaaabbbbbbbbc")
            let attributes = try FileManager.default.attributesOfItem(atPath: server.path("photos/c d.bin"))
            #expect(attributes[.posixPermissions] as? Int == 0o640)
            #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_700_000_000.5)

            let served = try await server.ask("GET", "/files/photos/c%20d.bin")
            #expect(served.text == "aaaaaaaabbbbbbbbc")
            #expect(served.headers["content-type"] == "application/x-test")
        }
    }

    @Test func anEmptyFileNeedsNoChunk() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin()
            #expect(try await server.finalize(session.session, "empty", "").status == 200)
            #expect(try contents(server.path("empty")) == "")
        }
    }

    @Test func metadataOfTheBeginningHoldsWhenFinalizeTellsNone() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.post(
                "/upload/init",
                NativeProtocol.InitRequest(
                    name: "a", size: 0, contentType: "a/b", chunkSize: 8, metadata: ["mtime": "5", "mode": "600"])
            ).decode(NativeProtocol.InitResponse.self)
            #expect(try await server.finalize(session.session, "a", "").status == 200)
            let attributes = try FileManager.default.attributesOfItem(atPath: server.path("a"))
            #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == 5)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func finalizeSaysWhatIsMissingAndGoesOnAfterwards() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 1, "bbbbbbbb")
            try await server.chunk(session, 2, "long")
            let refused = try await server.finalize(session, "aaaaaaaabbbbbbbbc")
            #expect(refused.problem == .missingChunks)
            #expect(try refused.decode(NativeProtocol.Problem.self).missing == [0, 2])
            try await server.chunk(session, 0, "aaaaaaaa")
            try await server.chunk(session, 2, "c")
            #expect(try await server.finalize(session, "aaaaaaaabbbbbbbbc").status == 200)
            #expect(try contents(server.path("a.bin")) == "aaaaaaaabbbbbbbbc")
        }
    }

    @Test func whatLiesBeyondTheSizeIsCutOff() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            for (index, text) in ["aaaaaaaa", "bbbb", "cccccccc"].enumerated() {
                try await server.chunk(session, index, text)
            }
            #expect(try await server.finalize(session, "aaaaaaaabbbb").status == 200)
            #expect(try contents(server.path("a.bin")) == "aaaaaaaabbbb")
        }
    }

    @Test func aWholeThatIsNotTheOneToldIsNotPublished() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaaaaaa")
            #expect(try await server.finalize(session, "aaaaaaab").problem == .digestMismatch)
            #expect(!FileManager.default.fileExists(atPath: server.path("a.bin")))
            #expect(try await server.finalize(session, "aaaaaaaa").status == 200)
        }
    }

    @Test func finalizeGivesTheSameAnswerAgain() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaa")
            async let one = server.finalize(session, "aaaa")
            async let other = server.finalize(session, "aaaa")
            let (first, second) = try await (one, other)
            let third = try await server.finalize(session, "aaaa")
            #expect(first.status == 200)
            #expect(first.body == second.body)
            #expect(first.body == third.body)
            #expect(try await server.finalize(session, "b.bin", "aaaa").problem == .sessionClosed)
            #expect(try await server.finalize(session, "aaab").problem == .sessionClosed)
            #expect(try await server.chunk(session, 0, "bbbb").problem == .sessionClosed)
            #expect(try await server.status(session).chunks.map(\.index) == [0])
            #expect(try contents(server.path("a.bin")) == "aaaa")
        }
    }

    @Test func anAbortedSessionIsGone() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaa")
            #expect(try await server.ask("DELETE", "/upload?session=\(session)").status == 204)
            #expect(try await server.ask("DELETE", "/upload?session=\(session)").problem == .unknownSession)
            #expect(try await server.chunk(session, 0, "aaaa").problem == .unknownSession)
            #expect(try await server.finalize(session, "aaaa").problem == .unknownSession)
            let left = try FileManager.default.contentsOfDirectory(atPath: server.path(".incoming"))
            #expect(left == ["lock"])
        }
    }

    @Test func abortingAPublishedSessionForgetsItAndKeepsTheFile() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaa")
            #expect(try await server.finalize(session, "aaaa").status == 200)
            #expect(try await server.ask("DELETE", "/upload?session=\(session)").status == 204)
            #expect(try await server.finalize(session, "aaaa").problem == .unknownSession)
            #expect(try contents(server.path("a.bin")) == "aaaa")
        }
    }

    @Test func sessionsExpireAfterTheirLastUse() async throws {
        let clock = WallClock()
        try await ServerUnderTest.run(clock: clock, adjust: { $0.sessionLifetime = .seconds(100) }) {
            server async throws in
            let used = try await server.begin().session
            let unused = try await server.begin().session
            let published = try await server.begin().session
            #expect(try await server.finalize(published, "").status == 200)
            let before = try await server.status(used).expiresAt
            clock.advance(by: .seconds(60))
            try await server.chunk(used, 0, "aaaa")
            #expect(try await server.status(used).expiresAt > before)
            clock.advance(by: .seconds(60))
            #expect(try await server.chunk(unused, 0, "aaaa").problem == .unknownSession)
            #expect(try await server.finalize(published, "").problem == .unknownSession)
            #expect(try await server.finalize(used, "aaaa").status == 200)
        }
    }

    @Test func expiredSessionsAreSwept() async throws {
        let clock = WallClock()
        let store = try storeUnderTest(clock: clock)
        store.store.calls.start()
        let parameters = SessionParameters(name: "a", contentType: "a/b", chunkSize: 8, metadata: [:])
        let open = try await store.store.begin(parameters)
        let published = try await store.store.begin(parameters)
        let order = FinalizeOrder(
            path: try UploadPath("a"), size: 0, digest: DigestField.parse(digest("")), metadata: .none)
        _ = try await store.store.finalize(published, order)
        clock.advance(by: .seconds(50))
        await store.store.sweep()
        #expect(
            try store.store.directory.incomingNames().sorted() == ["lock", open.id.text, published.id.text].sorted())
        clock.advance(by: .seconds(51))
        await store.store.sweep()
        #expect(try store.store.directory.incomingNames() == ["lock"])
        #expect(store.store.openSessions == 0)
        try await store.store.calls.stop()
    }

}
