import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// What goes over the wire, and what is believed of the answers.
@Suite(.timeLimit(.minutes(1)))
struct NativeDestinationTests {
    private static let object = ObjectDescription(
        path: UploadPath([]), size: nil, contentType: "image/png",
        modified: Timestamp(seconds: 1_767_225_600, nanoseconds: 5),
        mode: 0o100644)

    private func withDestination(
        options: NativeOptions = NativeOptions(), credentials: @escaping @Sendable () -> String? = { nil },
        _ body: (NativeDestination, EchoingUploadServer, ObjectDescription) async throws -> Void
    ) async throws {
        let server = try EchoingUploadServer()
        defer { server.stop() }
        let client = try CurlClient()
        let destination = NativeDestination(
            baseURL: server.url + "/", client: client, credentials: credentials, options: options)
        var object = Self.object
        object.path = try UploadPath("photos/a b.png")
        try await body(destination, server, object)
        await client.shutdown()
    }

    private func chunk(_ index: Int, _ range: Range<Int64>) -> ChunkRef {
        ChunkRef(index: index, generation: 1, range: range)
    }

    @Test func `limits are those of the protocol, and the file size limit comes with the probe`() async throws {
        try await withDestination { destination, _, _ in
            #expect(destination.limits.schedule(for: "text/plain") == .equal(1 << 20))
            #expect(destination.limits.schedule(for: "video/mp4") == .equal(2 << 20))
            #expect(destination.limits.parallelChunks == 3)
            #expect(destination.limits.canReplaceChunk && destination.limits.namesAtFinish)
            #expect(destination.limits.maximumFileSize == nil)
            try await destination.probe()
            #expect(destination.limits.maximumFileSize == 100_000_000)
        }
    }

    @Test func `a small file goes in one request with all that is known of it`() async throws {
        try await withDestination(credentials: { "secret" }) { destination, server, object in
            let file = try TemporaryFile(size: 5000)
            let sent = ByteCounter()
            let receipt = try await destination.put(object, content: file, sent: sent)
            let digest = ContentDigest.text(try RollingDigest.digest(of: 0..<5000, content: file))
            #expect(receipt == PublishReceipt(url: "http://u/p", size: 5000, digest: digest))
            #expect(sent.value == 5000)
            let request = try #require(server.seen.first).request
            #expect(request.target == "/files/photos/a%20b.png")
            #expect(request.fields["content-digest"] == digest)
            #expect(request.fields["content-type"] == "image/png")
            #expect(request.fields["content-length"] == "5000")
            #expect(request.fields["x-upload-mtime"] == "1767225600.000000005")
            #expect(request.fields["x-upload-mode"] == "644")
            #expect(request.fields["authorization"] == "Bearer secret")
        }
    }

    @Test func `an empty file goes too`() async throws {
        try await withDestination { destination, server, object in
            let receipt = try await destination.put(object, content: TemporaryFile(size: 0), sent: ByteCounter())
            #expect(receipt.size == 0)
            #expect(server.seen.first?.request.fields["content-length"] == "0")
        }
    }

    @Test func `an upload begins, sends its chunks and publishes under the name it has at the end`() async throws {
        try await withDestination(options: NativeOptions(chunkSize: 1000)) { destination, server, object in
            let file = try TemporaryFile(size: 2500)
            let session = try await destination.begin(object)
            #expect(session.token == SessionToken("s 1&2"))
            #expect(destination.limits.maximumFileSize == 5_000)
            let sent = ByteCounter()
            let chunks = [chunk(0, 0..<1000), chunk(1, 1000..<2000), chunk(2, 2000..<2500)]
            for chunk in chunks {
                let stored = try await session.send(chunk, content: file, sent: sent)
                #expect(stored.index == chunk.index && stored.length == chunk.length)
            }
            #expect(sent.value == 2500)
            var renamed = object
            renamed.path = try UploadPath("ü.png")
            renamed.size = 2500
            let before = file.bytesRead.value
            let receipt = try await session.finish(renamed, content: file, chunks: chunks, released: RangeSet())
            #expect(file.bytesRead.value == before)
            #expect(receipt.digest == ContentDigest.text(try RollingDigest.digest(of: 0..<2500, content: file)))

            let seen = server.seen
            let start = try seen[0].json(NativeProtocol.InitRequest.self)
            #expect(start.name == "photos/a b.png" && start.size == nil && start.chunkSize == 1000)
            #expect(start.metadata["mtime"] == "1767225600.000000005" && start.metadata["mode"] == "644")
            #expect(seen[2].request.target == "/upload/chunk?session=s%201%262&index=1")
            let end = try seen[4].json(NativeProtocol.FinalizeRequest.self)
            #expect(end.name == "ü.png" && end.size == 2500 && end.session == "s 1&2")
            #expect(end.metadata == start.metadata)
        }
    }

    @Test func `a session of an earlier process is gone on with, asked and forgotten`() async throws {
        try await withDestination { destination, server, object in
            let session = destination.resume(SessionToken("old"), schedule: .equal(1000))
            #expect(server.seen.isEmpty)
            #expect(try await session.inventory() == [StoredChunk(index: 4, length: 7, digest: "d")])
            let file = try TemporaryFile(size: 1500)
            _ = try await session.finish(
                object, content: file, chunks: [chunk(0, 0..<1000), chunk(1, 1000..<1500)], released: RangeSet())
            #expect(file.bytesRead.value == 1500)
            try await session.abort()
            #expect(server.seen.map(\.line) == ["GET /upload/status", "POST /upload/finalize", "DELETE /upload"])
        }
    }

    @Test func `aborting what is gone is no error`() async throws {
        try await withDestination { destination, server, _ in
            let session = destination.resume(SessionToken("old"), schedule: .equal(1000))
            try server.next(problem: NativeProtocol.Problem(type: .unknownSession, title: "", status: 404, detail: ""))
            try await session.abort()
            server.next(503)
            #expect(
                await failure { () async throws(DestinationError) in try await session.abort() }
                    == .busy(status: 503, retryAfter: nil))
        }
    }

    @Test func `another chunk size than ours is refused, and the session given back`() async throws {
        try await withDestination { destination, server, object in
            server.next(201, #"{"session":"x","chunkSize":5,"expiresAt":"2026-01-01T00:00:00Z"}"#)
            let error = await failure { () async throws(DestinationError) in _ = try await destination.begin(object) }
            #expect(error == .malformed(detail: "asked for chunks of 1048576 bytes, it wants 5"))
            #expect(server.seen.map(\.line) == ["POST /upload/init", "DELETE /upload"])
        }
    }

    @Test(arguments: [
        #"{"index":0,"size":9,"digest":"DIGEST"}"#, #"{"index":1,"size":10,"digest":"DIGEST"}"#,
        #"{"index":0,"size":10,"digest":"sha-256=:AAAA:"}"#,
    ])
    func `a receipt for other bytes than ours is no receipt`(answer: String) async throws {
        try await withDestination { destination, server, _ in
            let session = destination.resume(SessionToken("s"), schedule: .equal(10))
            server.next { connection, seen in
                let digest = seen.request.fields["content-digest"] ?? ""
                connection.answer(200, answer.replacing("DIGEST", with: digest))
            }
            let sent = ByteCounter()
            let file = try TemporaryFile(size: 10)
            let error = await failure { () async throws(DestinationError) in
                try await session.send(chunk(0, 0..<10), content: file, sent: sent)
            }
            #expect(error == .damaged)
            #expect(sent.value == 0)
        }
    }

    @Test(arguments: [#"{"url":"u","size":9,"digest":"d"}"#, #"{"url":"u","size":10,"digest":"d"}"#, "", "[]"])
    func `neither is one for another file`(answer: String) async throws {
        try await withDestination { destination, server, object in
            server.next(200, answer)
            let sent = ByteCounter()
            let file = try TemporaryFile(size: 10)
            let error = await failure { () async throws(DestinationError) in
                try await destination.put(object, content: file, sent: sent)
            }
            #expect(
                error
                    == (answer.hasPrefix("{")
                        ? .damaged : .malformed(detail: "the answer to put is not what the protocol says")))
            #expect(sent.value == 0)
        }
    }

    /// Whose bytes were wrong nobody knows, so the next try takes nothing for granted.
    @Test func `a digest that was refused at the end is made anew from the spool`() async throws {
        try await withDestination { destination, server, object in
            let session = destination.resume(SessionToken("s"), schedule: .equal(1000))
            let file = try TemporaryFile(size: 1000)
            let chunks = [chunk(0, 0..<1000)]
            _ = try await session.send(chunks[0], content: file, sent: ByteCounter())
            let before = file.bytesRead.value
            try server.next(problem: NativeProtocol.Problem(type: .digestMismatch, title: "", status: 400, detail: ""))
            let error = await failure { () async throws(DestinationError) in
                try await session.finish(object, content: file, chunks: chunks, released: RangeSet())
            }
            #expect(error == .damaged)
            #expect(file.bytesRead.value == before)
            _ = try await session.finish(object, content: file, chunks: chunks, released: RangeSet())
            #expect(file.bytesRead.value == before + 1000)
        }
    }

    @Test func `chunks that are not there are named`() async throws {
        try await withDestination { destination, server, object in
            let session = destination.resume(SessionToken("s"), schedule: .equal(1000))
            try server.next(
                problem: NativeProtocol.Problem(type: .missingChunks, title: "", status: 409, detail: "", missing: [0]))
            let file = try TemporaryFile(size: 1000)
            let error = await failure { () async throws(DestinationError) in
                try await session.finish(object, content: file, chunks: [chunk(0, 0..<1000)], released: RangeSet())
            }
            #expect(error == .missing([0]))
        }
    }

    @Test func `the token is asked for each time`() async throws {
        let calls = ByteCounter()
        try await withDestination(credentials: {
            calls.add(1)
            return "token\(calls.value)"
        }) { destination, server, _ in
            try await destination.probe()
            try await destination.probe()
            #expect(server.seen.map { $0.request.fields["authorization"] } == ["Bearer token1", "Bearer token2"])
        }
    }

    @Test(
        arguments: [
            (0, "0.000000000"), (1, "0.000000001"), (1_500_000_000, "1.500000000"), (-1_500_000_000, "-1.500000000"),
        ] as [(Int64, String)])
    func `times keep all their digits`(nanoseconds: Int64, expected: String) {
        var object = Self.object
        object.modified = Timestamp(nanoseconds: nanoseconds)
        #expect(object.modifiedText == expected)
    }
}
