import Foundation
import TestSupport
import Testing
import UploadCore

@testable import UploadServer

/// The server survives its own kill -9 with sessions intact. What a kill leaves is what is on disk at that
/// moment: a copy of the directory of a running server.
@Suite(.timeLimit(.minutes(1)))
struct RecoveryTests {
    private func afterKill(_ server: ServerUnderTest, _ place: TemporaryDirectory) throws -> String {
        let copy = place.file("after-\(UInt32.random(in: 0...UInt32.max))")
        try FileManager.default.copyItem(atPath: server.directory, toPath: copy)
        return copy
    }

    @Test func chunksAreThereAfterAKill() async throws {
        let place = try TemporaryDirectory()
        let (session, copy) = try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "xxxxxxxx")
            try await server.chunk(session, 0, "aaaaaaaa")
            try await server.chunk(session, 1, "bbbbbbbb")
            try await server.chunk(session, 3, "d")
            return (session, try afterKill(server, place))
        }
        try await ServerUnderTest.run(in: copy) { server async throws in
            let status = try await server.status(session)
            #expect(status.chunks.map(\.index) == [0, 1, 3])
            #expect(status.chunks.map(\.digest) == [digest("aaaaaaaa"), digest("bbbbbbbb"), digest("d")])
            #expect(status.chunkSize == 8)
            try await server.chunk(session, 2, "cccccccc")
            #expect(try await server.finalize(session, "aaaaaaaabbbbbbbbccccccccd").status == 200)
            #expect(try contents(server.path("a.bin")) == "aaaaaaaabbbbbbbbccccccccd")
            let served = try await server.ask("GET", "/files/a.bin")
            #expect(served.headers["content-type"] == "application/x-test")
        }
    }

    /// The kill came while a stored chunk was being overwritten: its bytes can't be trusted, and are not.
    @Test func aChunkThatWasBeingOverwrittenIsMissing() async throws {
        let place = try TemporaryDirectory()
        let (session, copy) = try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaaaaaa")
            try await server.chunk(session, 1, "bbbbbbbb")
            let hanging = try RawConnection(port: server.port)
            try await hanging.send(
                """
                PUT /upload/chunk?session=\(session)&index=0 HTTP/1.1\r
                Host: x\r
                Content-Digest: \(digest("xxxxxxxx"))\r
                Content-Length: 8\r
                \r
                xxxx
                """)
            while try await server.status(session).chunks.count == 2 { await Task.yield() }
            return (session, try afterKill(server, place))
        }
        try await ServerUnderTest.run(in: copy) { server async throws in
            #expect(try await server.status(session).chunks.map(\.index) == [1])
        }
    }

    @Test func aFinalizeWhoseAnswerTheKillTookGivesItAgain() async throws {
        let place = try TemporaryDirectory()
        let (session, copy, answer) = try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaa")
            let answer = try await server.finalize(session, "dir/a", "aaaa")
            return (session, try afterKill(server, place), answer)
        }
        let receipt = try answer.decode(NativeProtocol.FinalizeResponse.self)
        try await ServerUnderTest.run(in: copy) { server async throws in
            let again = try await server.finalize(session, "dir/a", "aaaa").decode(NativeProtocol.FinalizeResponse.self)
            #expect(again.size == receipt.size && again.digest == receipt.digest)
            #expect(again.url == "http://127.0.0.1:\(server.port)/files/dir/a")
            #expect(try await server.finalize(session, "dir/b", "aaaa").problem == .sessionClosed)
            #expect(try await server.chunk(session, 0, "aaaa").problem == .sessionClosed)
        }
    }

    /// The kill came after the intention was written down and before the rename.
    @Test func aFinalizeThatHadNotRenamedYetIsStillOpen() async throws {
        let place = try TemporaryDirectory()
        let (session, copy) = try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaa")
            return (session, try afterKill(server, place))
        }
        try #"{"name":"a.bin","size":4,"digest":"00"}"#.write(
            toFile: copy + "/.incoming/\(session)/finalize.json", atomically: false, encoding: .utf8)
        try await ServerUnderTest.run(in: copy) { server async throws in
            try await server.chunk(session, 0, "bbbb")
            #expect(try await server.finalize(session, "bbbb").status == 200)
            #expect(try contents(server.path("a.bin")) == "bbbb")
        }
    }

    @Test func theLogGoesOnAfterALineThatWasNotWrittenToItsEnd() async throws {
        let place = try TemporaryDirectory()
        let (session, copy) = try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaaaaaa")
            return (session, try afterKill(server, place))
        }
        let log = try #require(FileHandle(forWritingAtPath: copy + "/.incoming/\(session)/chunks"))
        try log.seekToEnd()
        try log.write(contentsOf: Data("S 1 8 ab".utf8))
        try log.close()
        let again = try await ServerUnderTest.run(in: copy) { server async throws in
            #expect(try await server.status(session).chunks.map(\.index) == [0])
            try await server.chunk(session, 1, "bbbbbbbb")
            return try afterKill(server, place)
        }
        try await ServerUnderTest.run(in: again) { server async throws in
            #expect(try await server.status(session).chunks.map(\.index) == [0, 1])
        }
    }

    /// A power failure may take bytes that were acknowledged. Then finalize says which chunks have to come again.
    @Test func acknowledgedBytesThatAreLostAreAskedForAgain() async throws {
        let place = try TemporaryDirectory()
        let (session, copy) = try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaaaaaa")
            try await server.chunk(session, 1, "bbbbbbbb")
            return (session, try afterKill(server, place))
        }
        let data = try #require(FileHandle(forWritingAtPath: copy + "/.incoming/\(session)/data"))
        try data.seek(toOffset: 8)
        try data.write(contentsOf: Data(count: 8))
        try data.close()
        try await ServerUnderTest.run(in: copy) { server async throws in
            let refused = try await server.finalize(session, "aaaaaaaabbbbbbbb")
            #expect(refused.problem == .missingChunks)
            #expect(try refused.decode(NativeProtocol.Problem.self).missing == [1])
            try await server.chunk(session, 1, "bbbbbbbb")
            #expect(try await server.finalize(session, "aaaaaaaabbbbbbbb").status == 200)
        }
    }

    @Test func whatNobodyCanUseIsSweptAtTheStart() async throws {
        let place = try TemporaryDirectory()
        let half = SessionIdentifier.random().text
        let incoming = place.file("received/.incoming")
        try FileManager.default.createDirectory(atPath: incoming + "/" + half, withIntermediateDirectories: true)
        try "x".write(toFile: incoming + "/\(half)/data", atomically: false, encoding: .utf8)
        try "x".write(toFile: incoming + "/abc.put", atomically: false, encoding: .utf8)
        try await ServerUnderTest.run(in: place.file("received")) { server async throws in
            #expect(try FileManager.default.contentsOfDirectory(atPath: server.path(".incoming")) == ["lock"])
        }
    }

    @Test func anOldSessionExpiresAcrossARestart() async throws {
        let place = try TemporaryDirectory()
        let (session, copy) = try await ServerUnderTest.run { server async throws in
            (try await server.begin().session, try afterKill(server, place))
        }
        let clock = WallClock()
        clock.advance(by: .seconds(8 * 24 * 3600))
        try await ServerUnderTest.run(in: copy, clock: clock) { server async throws in
            #expect(try await server.chunk(session, 0, "a").problem == .unknownSession)
        }
    }
}
