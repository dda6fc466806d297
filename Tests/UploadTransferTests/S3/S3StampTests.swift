import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// What an object of parts says of its file's time and mode, when those are given at the end.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct S3StampTests {
    private static let size: Int64 = 6_000_000

    private func with(
        _ manner: BucketServer.Manner = BucketServer.Manner(), _ conflict: ConflictRule = .overwrite,
        rules: String = "", _ body: (S3Destination, BucketServer) async throws -> Void
    ) async throws {
        let rules = try #require(S3ObjectRules(rules))
        try await BucketServer.with(manner, S3Options(onConflict: conflict, rules: rules, origin: "me"), body)
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
            #expect(later(server) == ["HEAD", "COPY"])
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

    @Test("A copy whose answer was lost is not made again: the object says what it is to")
    func lostAnswer() async throws {
        var manner = BucketServer.Manner()
        manner.lost = ["copy"]
        try await with(manner) { destination, server in
            let (session, file) = try await begin(destination)
            let receipt = try await finish(session, file, Timestamp(seconds: 5))
            #expect(later(server) == ["HEAD", "COPY", "HEAD"])
            #expect(receipt.tag == server.object("film")?.tag && destination.remark == nil)
        }
    }

    @Test("Where no copy succeeds the file is published, and that is told; the next one is tried again")
    func failing() async throws {
        var manner = BucketServer.Manner()
        manner.failsLate = true
        try await with(manner) { destination, server in
            for count in ["One big file has", "2 big files have"] {
                let (session, file) = try await begin(destination)
                let receipt = try await finish(session, file, Timestamp(seconds: 5))
                #expect(later(server) == ["HEAD", "COPY", "HEAD", "COPY", "HEAD"])
                #expect(receipt.tag == server.object("film")?.tag)
                #expect(destination.remark?.hasPrefix(count) == true, "\(destination.remark ?? "")")
            }
        }
    }

    @Test("Who may not copy is told; the file is published", arguments: ["CopyObject", "HeadObject"])
    func refused(operation: String) async throws {
        var manner = BucketServer.Manner()
        manner.denied = [operation, operation == "HeadObject" ? "GetObject" : ""]
        try await with(manner) { destination, server in
            let (session, file) = try await begin(destination)
            let receipt = try await finish(session, file, Timestamp(seconds: 5))
            #expect(!later(server).contains("COPY") == (operation == "HeadObject"))
            #expect(receipt.tag == "m-2" && server.object("film")?.tag == "m-2")
            #expect(destination.remark?.contains("time and mode") == true)
        }
    }

    @Test(
        "Where others' objects are to be left alone, it is copied while it is the same alone",
        arguments: ConflictRule.allCases)
    func conditions(rule: ConflictRule) async throws {
        try await with(BucketServer.Manner(), rule) { destination, server in
            let (session, file) = try await begin(destination)
            _ = try await finish(session, file, Timestamp(seconds: 5))
            #expect(server.object("film")?.fields["x-amz-meta-mtime"] == "5.000000000")
            let copy = try #require(server.seen.last { $0.fields["x-amz-copy-source"] != nil })
            #expect(copy.fields["if-match"] == (rule == .overwrite ? nil : "\"m-2\""))
        }
    }

    @Test("What goes into an archive is not copied, which is told; what else its rules say is said again")
    func rules() async throws {
        try await with(rules: "storage-class=DEEP_ARCHIVE") { destination, server in
            let (session, file) = try await begin(destination)
            _ = try await finish(session, file, Timestamp(seconds: 5))
            #expect(later(server) == [] && destination.remark?.contains("archive") == true)
        }
        try await with(rules: "storage-class=STANDARD_IA; tag=a=b; sse=AES256; acl=private") { destination, server in
            let (session, file) = try await begin(destination)
            _ = try await finish(session, file, Timestamp(seconds: 5))
            let fields = try #require(server.seen.last?.fields)
            #expect(fields["x-amz-storage-class"] == "STANDARD_IA" && fields["x-amz-tagging"] == "a=b")
            #expect(fields["x-amz-tagging-directive"] == "REPLACE" && fields["x-amz-acl"] == "private")
            #expect(fields["x-amz-server-side-encryption"] == "AES256")
        }
    }

    @Test("What its first bytes have told stays")
    func contentType() async throws {
        try await with { destination, server in
            let (session, file) = try await begin(destination)
            var last = try object(Timestamp(seconds: 5), 0o644, Self.size)
            last.contentType = ContentType.unknown
            _ = try await session.finish(last, content: file, chunks: chunks, released: RangeSet())
            let there = server.object("film")?.fields
            #expect(there?["content-type"] == "text/plain" && there?["x-amz-meta-mtime"] == "5.000000000")
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
