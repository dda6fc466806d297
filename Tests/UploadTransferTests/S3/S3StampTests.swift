import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// What an object of parts says of its file's time and mode, when those are given at the end.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct S3StampTests {
    private static let size: Int64 = 6_000_000

    private func with(
        _ manner: BucketServer.Manner = BucketServer.Manner(),
        _ body: (S3Destination, BucketServer) async throws -> Void
    ) async throws {
        try await BucketServer.with(manner, S3Options(origin: "me"), body)
    }

    private func object(_ modified: Timestamp, _ mode: UInt32 = 0o644, _ size: Int64? = nil) throws -> ObjectDescription
    {
        ObjectDescription(
            path: try UploadPath("film"), size: size, contentType: "text/plain", modified: modified, mode: mode)
    }

    private var chunks: [ChunkRef] {
        [0..<(5 << 20), (5 << 20)..<Self.size].enumerated().map {
            ChunkRef(index: $0.offset, generation: 1, range: $0.element)
        }
    }

    private let now = Timestamp(seconds: 1_700_000_000)

    /// Begun now with mode 644, and all its parts are there.
    private func begin(_ destination: S3Destination) async throws -> (session: any UploadSession, file: TemporaryFile) {
        let file = try TemporaryFile(size: Self.size)
        let session = try await destination.begin(object(now))
        for chunk in chunks { _ = try await session.send(chunk, content: file, sent: ByteCounter()) }
        return (session, file)
    }

    private func finish(
        _ session: any UploadSession, _ file: TemporaryFile, _ modified: Timestamp, _ mode: UInt32 = 0o644
    ) async throws -> PublishReceipt {
        try await session.finish(
            object(modified, mode, Self.size), content: file, chunks: chunks, released: RangeSet())
    }

    /// What the requests after the completion were.
    private func later(_ server: BucketServer) -> [String] {
        let last = server.seen.lastIndex { $0.method == "POST" } ?? -1
        return server.seen[(last + 1)...].map { $0.fields["x-amz-copy-source"] == nil ? $0.method : "COPY" }
    }

    @Test(
        "A time from before and another mode are put right by a copy onto itself, also by the next process",
        arguments: [(true, Int64(5), UInt32(0o644)), (false, 5, 0o600), (true, 1_700_000_000, 0o600)])
    func givenAtTheEnd(isSame: Bool, seconds: Int64, mode: UInt32) async throws {
        try await with { destination, server in
            let (session, file) = try await begin(destination)
            let last = isSame ? session : destination.resume(session.token, schedule: destination.limits.schedule)
            let receipt = try await finish(last, file, Timestamp(seconds: seconds), mode)
            #expect(later(server) == ["COPY"])
            let copy = try #require(server.seen.last?.fields)
            #expect(copy["x-amz-copy-source"] == "/b/film" && copy["x-amz-copy-source-if-match"] == "\"m-2\"")
            let there = try #require(server.object("film"))
            #expect(there.body.count == Int(Self.size) && there.tag == receipt.tag)
            #expect(there.fields["x-amz-meta-mtime"] == "\(seconds).000000000")
            #expect(there.fields["x-amz-meta-mode"] == "\(0o100000 | mode)")
            #expect(there.fields["content-type"] == "text/plain")
            #expect(there.fields[S3Mark.field]?.hasPrefix("me/") == true)
        }
    }

    @Test("That a file was written on after its upload began is worth no request")
    func writtenOn() async throws {
        try await with { destination, server in
            let (session, file) = try await begin(destination)
            _ = try await finish(session, file, Timestamp(seconds: 1_700_000_100))
            #expect(later(server) == [])
        }
    }

    @Test("A copy that fails is made by the next try, for the upload that has become an object")
    func failsOnce() async throws {
        var manner = BucketServer.Manner()
        manner.failsLate = true
        try await with(manner) { destination, server in
            let (session, file) = try await begin(destination)
            await #expect(throws: DestinationError.busy(status: 200, retryAfter: nil)) {
                try await finish(session, file, Timestamp(seconds: 5))
            }
            server.change { $0.failsLate = false }
            _ = try await finish(session, file, Timestamp(seconds: 5))
            #expect(later(server) == ["HEAD", "COPY"])
            #expect(server.object("film")?.fields["x-amz-meta-mtime"] == "5.000000000")
        }
    }

    @Test("Who may not copy is told, and asked for no more; the file is published")
    func refused() async throws {
        var manner = BucketServer.Manner()
        manner.denied = ["CopyObject"]
        try await with(manner) { destination, server in
            for copies in [["COPY"], []] {
                let (session, file) = try await begin(destination)
                let receipt = try await finish(session, file, Timestamp(seconds: 5))
                #expect(later(server) == copies && receipt.tag == "m-2" && server.object("film") != nil)
            }
            #expect(destination.remark?.contains("times and modes") == true)
        }
    }

    @Test("A server that compares other ETags than it tells is asked without them, after a look")
    func mistakenTags() async throws {
        var manner = BucketServer.Manner()
        manner.mistakesTags = true
        try await with(manner) { destination, server in
            let (session, file) = try await begin(destination)
            _ = try await finish(session, file, Timestamp(seconds: 5))
            #expect(later(server) == ["COPY", "HEAD", "COPY"])
            #expect(server.object("film")?.fields["x-amz-meta-mtime"] == "5.000000000")
        }
    }

    @Test("Another's object, and one that is gone, are left as they are", arguments: [true, false])
    func anothers(isThere: Bool) async throws {
        try await with { destination, server in
            if isThere { server.put("film", "theirs") }
            let mark = S3Mark(origin: "me", upload: "u", key: "film")
            let tag = try await destination.endpoint.restamp("film", object(now), mark, tag: "m-2", size: 6)
            #expect(tag == "m-2" && server.object("film")?.tag == (isThere ? "other" : nil))
            #expect(destination.remark == nil)
        }
    }

    @Test("What was told travels in the session's token; of an older one nothing is known")
    func token() throws {
        let stamp = S3Stamp(try object(Timestamp(nanoseconds: -1_500), 0o100640))
        #expect(stamp.text == "-1500 640" && S3Stamp(stamp.text) == stamp)
        for text in ["", "5", "5 x", "x 644", "5 644 1"] { #expect(S3Stamp(text) == nil) }
    }
}
