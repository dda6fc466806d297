import Testing
import UploadCore

@testable import UploadServer

/// Whatever order, however often and at the same time: a chunk that was acknowledged is one request's bytes.
@Suite(.timeLimit(.minutes(1)))
struct ReplacedChunkTests {
    @Test func aReplacedChunkCountsWithItsNewBytes() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            for (index, text) in ["aaaaaaaa", "bbbbbbbb", "cc"].enumerated() {
                try await server.chunk(session, index, text)
            }
            try await server.chunk(session, 0, "AAAAAAAA")
            try await server.chunk(session, 2, "CCC")
            #expect(
                try await server.status(session).chunks.map(\.digest)
                    == [digest("AAAAAAAA"), digest("bbbbbbbb"), digest("CCC")])
            #expect(try await server.finalize(session, "AAAAAAAAbbbbbbbbCCC").status == 200)
            #expect(try contents(server.path("a.bin")) == "AAAAAAAAbbbbbbbbCCC")
        }
    }

    @Test func rewritingTheBeginningManyTimesStillEndsRight() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 1, "bbbbbbbb")
            for round in 0..<10 { try await server.chunk(session, 0, "aaaaaaa\(round)") }
            #expect(try await server.finalize(session, "aaaaaaa9bbbbbbbb").status == 200)
        }
    }

    @Test func nothingIsKeptOfAChunkThatIsNotWhatItsDigestSays() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaaaaaa")
            let target = "/upload/chunk?session=\(session)&index=0"
            let refused = try await server.ask(
                "PUT", target, ["Content-Digest": digest("aaaaaaab")], Array("xxxxxxxx".utf8))
            #expect(refused.problem == .digestMismatch)
            #expect(try await server.status(session).chunks.isEmpty)
            let missing = try await server.finalize(session, "aaaaaaaa")
            #expect(try missing.decode(NativeProtocol.Problem.self).missing == [0])
            try await server.chunk(session, 0, "aaaaaaaa")
            #expect(try await server.finalize(session, "aaaaaaaa").status == 200)
        }
    }

    @Test func nothingIsKeptOfAChunkWhoseConnectionBroke() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            let broken = try RawConnection(port: server.port)
            try await broken.send(
                """
                PUT /upload/chunk?session=\(session)&index=0 HTTP/1.1\r
                Host: x\r
                Content-Digest: \(digest("aaaaaaaa"))\r
                Content-Length: 8\r
                \r
                aaaa
                """)
            broken.reset()
            try await server.chunk(session, 1, "b")
            #expect(try await server.status(session).chunks.map(\.index) == [1])
            try await server.chunk(session, 0, "aaaaaaaa")
            #expect(try await server.finalize(session, "aaaaaaaab").status == 200)
        }
    }

    /// A request that its client gave up and sent again arrives after its repetition, and breaks off.
    @Test func aLateRepetitionDoesNotTakeAwayWhatIsStored() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "aaaaaaaa")
            for tail in ["aaaa", "aaaaaaaa"] {
                let late = try RawConnection(port: server.port)
                try await late.send(
                    """
                    PUT /upload/chunk?session=\(session)&index=0 HTTP/1.1\r
                    Host: x\r
                    Content-Digest: \(digest("aaaaaaaa"))\r
                    Content-Length: 8\r
                    \r
                    \(tail)
                    """)
                late.reset()
                try await server.chunk(session, 1, "b")
                #expect(try await server.status(session).chunks.map(\.index) == [0, 1])
            }
            // And one with other bytes than its digest says is refused without harm.
            let target = "/upload/chunk?session=\(session)&index=0"
            let refused = try await server.ask(
                "PUT", target, ["Content-Digest": digest("aaaaaaaa")], Array("xxxxxxxx".utf8))
            #expect(refused.problem == .digestMismatch)
            #expect(try await server.finalize(session, "aaaaaaaab").status == 200)
            #expect(try contents(server.path("a.bin")) == "aaaaaaaab")
        }
    }

    /// The retry comes while the first request still hangs in the middle; then the rest of the first arrives.
    @Test func aRetrySupersedesTheRequestThatStillHangs() async throws {
        try await ServerUnderTest.run { server async throws in
            let session = try await server.begin().session
            try await server.chunk(session, 0, "oldoldol")
            let hanging = try RawConnection(port: server.port)
            try await hanging.send(
                """
                PUT /upload/chunk?session=\(session)&index=0 HTTP/1.1\r
                Host: x\r
                Connection: close\r
                Content-Digest: \(digest("xxxxxxxx"))\r
                Content-Length: 8\r
                \r
                xxxx
                """)
            // From the moment it begins, what was stored is gone.
            while try await server.status(session).chunks.count == 1 { await Task.yield() }
            #expect(try await server.chunk(session, 0, "aaaaaaaa").status == 200)
            try await hanging.send("xxxx")
            let late = try await Answer(hanging.receiveAll())
            #expect(late.status == 408)
            #expect(late.problem == .conflict)
            #expect(try await server.finalize(session, "aaaaaaaa").status == 200)
        }
    }

    @Test func requestsForTheSameChunkAtOnceNeverMix() async throws {
        try await ServerUnderTest.run { server async throws in
            let length = 1 << 20
            let session = try await server.begin(chunkSize: Int64(length)).session
            let answers = try await withThrowingTaskGroup(of: (UInt8, Int).self) { group in
                for byte in UInt8(ascii: "a")...UInt8(ascii: "l") {
                    group.addTask {
                        let body = [UInt8](repeating: byte, count: length)
                        let answer = try await server.ask(
                            "PUT", "/upload/chunk?session=\(session)&index=0", ["Content-Digest": digest(body)], body)
                        return (byte, answer.status)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.1 == 200 || $0.1 == 408 })
            let stored = try #require(try await server.status(session).chunks.first)
            let winner = try #require(
                answers.first { digest([UInt8](repeating: $0.0, count: length)) == stored.digest })
            #expect(winner.1 == 200)
            let content = String(repeating: Character(UnicodeScalar(winner.0)), count: length)
            #expect(try await server.finalize(session, content).status == 200)
            #expect(try contents(server.path("a.bin")) == content)
        }
    }

    @Test func manyChunksOfManyFilesAtOnce() async throws {
        try await ServerUnderTest.run { server async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for file in 0..<6 {
                    group.addTask {
                        let parts = (0..<12).map { String(repeating: "\(file)-\($0);", count: 5000).prefix(16384) }
                        let session = try await server.begin(chunkSize: 16384).session
                        try await withThrowingTaskGroup(of: Int.self) { chunks in
                            for (index, part) in parts.enumerated().shuffled() {
                                chunks.addTask { try await server.chunk(session, index, String(part)).status }
                            }
                            for try await status in chunks { #expect(status == 200) }
                        }
                        let whole = parts.joined()
                        #expect(try await server.finalize(session, "f\(file)", whole).status == 200)
                        #expect(try contents(server.path("f\(file)")) == whole)
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
