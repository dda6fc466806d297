import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// Copies that a bucket makes by itself, and what is deleted there.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct S3MovingTests {
    private func with(
        _ manner: BucketServer.Manner = BucketServer.Manner(), _ conflict: ConflictRule = .overwrite,
        largestCopy: Int64 = S3Limits.largestCopy, _ body: (S3Destination, BucketServer) async throws -> Void
    ) async throws {
        try await BucketServer.with(
            manner, S3Options(onConflict: conflict, origin: "me", host: "host", largestCopy: largestCopy), body)
    }

    private func object(_ name: String, _ size: Int64? = 1000) throws -> ObjectDescription {
        ObjectDescription(
            path: try UploadPath(name), size: size, contentType: "text/plain", modified: Timestamp(seconds: 5),
            mode: 0o644)
    }

    /// A file of 1,000 bytes that is there.
    private func put(_ destination: S3Destination, _ name: String) async throws -> ObjectReference {
        let receipt = try await destination.put(
            object(name), content: TemporaryFile(size: 1000), sent: ByteCounter())
        return ObjectReference(path: try UploadPath(name), url: receipt.url, size: receipt.size)
    }

    /// Method and key of each request from that one on.
    private func requests(_ server: BucketServer, from first: Int) -> [String] {
        server.seen[first...].map { "\($0.method) \($0.target)" }
    }

    @Test("A rename is a look, a copy, a look and a deletion; the copy says of itself what its file does")
    func renamed() async throws {
        try await with { destination, server in
            let source = try await put(destination, "d ä+%/a&b.txt")
            let first = server.seen.count
            var target = try object("c/new.txt")
            target.modified = Timestamp(seconds: 7)
            target.mode = 0o600
            let copy = try #require(try await destination.copy(source, to: target))
            #expect(copy.object.url == "s3://b/c/new.txt" && copy.object.size == 1000)
            let tag = try #require(copy.sourceTag)
            try await destination.delete(
                ObjectReference(path: source.path, url: source.url, size: source.size, tag: tag))
            let old = "/b/d%20%C3%A4%2B%25/a%26b.txt"
            #expect(
                requests(server, from: first) == [
                    "HEAD \(old)", "PUT /b/c/new.txt", "HEAD /b/c/new.txt", "HEAD \(old)", "DELETE \(old)",
                ])
            let asked = server.seen[first + 1].fields
            #expect(asked["x-amz-copy-source"] == old && asked["x-amz-copy-source-if-match"] == "\"\(tag)\"")
            #expect(server.seen.last?.fields["if-match"] == "\"\(tag)\"")
            let there = try #require(server.object("c/new.txt"))
            #expect(there.body.count == 1000 && there.fields["x-amz-meta-mtime"] == "7.000000000")
            #expect(there.fields["x-amz-meta-mode"] == "\(0o100600)")
            #expect(there.fields["content-type"] == "text/plain")
            #expect(there.fields[S3Mark.field] == S3Mark(origin: "me", key: "c/new.txt").text)
            #expect(server.object("d ä+%/a&b.txt") == nil)
            // Not once more: it is gone, and that is no error.
            #expect(try await destination.copy(source, to: target) == nil)
            try await destination.delete(source)
        }
    }

    @Test("What is copied is named as in a URL", arguments: [("a//b", "a//b"), ("ä ?+=~", "%C3%A4%20%3F%2B%3D~")])
    func copySource(key: String, encoded: String) throws {
        #expect(try S3Location("s3://buck.et").copySource(key) == "/buck.et/" + encoded)
    }

    @Test("What its name says nothing of keeps the type that its bytes had told")
    func contentType() async throws {
        try await with { destination, server in
            let source = try await put(destination, "a")
            var target = try object("b")
            target.contentType = ContentType.unknown
            _ = try await destination.copy(source, to: target)
            #expect(server.object("b")?.fields["content-type"] == "text/plain")
        }
    }

    @Test("What is too big for one copy is copied in parts")
    func byParts() async throws {
        try await with(largestCopy: 400) { destination, server in
            let source = try await put(destination, "a")
            let first = server.seen.count
            let copy = try #require(try await destination.copy(source, to: object("b")))
            #expect(copy.object.size == 1000)
            #expect(server.object("b")?.body == server.object("a")?.body)
            let ranges = Set(server.seen.compactMap { $0.fields["x-amz-copy-source-range"] })
            #expect(ranges == ["bytes=0-399", "bytes=400-799", "bytes=800-999"])
            #expect(server.seen[first...].map(\.method) == ["HEAD", "POST", "PUT", "PUT", "PUT", "POST", "HEAD"])
            #expect(server.object("b")?.fields[S3Mark.field] == S3Mark(origin: "me", key: "b").text)
            // One that fails is given up.
            server.change { $0.failsLate = true }
            await #expect(throws: DestinationError.self) { try await destination.copy(source, to: self.object("c")) }
            #expect(server.seen.contains { $0.method == "DELETE" } && server.object("c") == nil)
        }
    }

    @Test("Parts are of one size, and no more than S3 takes")
    func parts() {
        let sizes: [(Int64, Int)] = [(6 << 30, 6), ((5 << 30) + 1, 6), (48 << 40, 10_000)]
        for (size, count) in sizes {
            let chunks = S3Copies.chunks(size, largest: S3Limits.largestCopy)
            #expect(chunks.count == count && chunks.last?.range.upperBound == size)
            #expect(Set(chunks.dropLast().map(\.length)).count == 1)
            #expect((chunks.first?.length ?? 0) <= S3Limits.largestPart)
        }
    }

    @Test("That a copy has failed may stand in an answer that says 200")
    func late() async throws {
        var manner = BucketServer.Manner()
        manner.failsLate = true
        try await with(manner) { destination, server in
            let source = try await put(destination, "a")
            await #expect(throws: DestinationError.busy(status: 200, retryAfter: nil)) {
                try await destination.copy(source, to: self.object("b"))
            }
            #expect(server.object("b") == nil && server.object("a") != nil)
        }
    }

    @Test("An object that has become another's is neither copied nor deleted", arguments: ConflictRule.allCases)
    func anothers(rule: ConflictRule) async throws {
        try await with(BucketServer.Manner(), rule) { destination, server in
            let source = try await put(destination, "a")
            server.put("a", "theirs")
            #expect(try await destination.copy(source, to: object("b")) == nil)
            try await destination.delete(source)
            // Also where nothing of its size and place was known.
            try await destination.delete(ObjectReference(path: source.path))
            #expect(server.object("a")?.body == Array("theirs".utf8))
            #expect(server.object("b") == nil && !server.seen.contains { $0.method == "DELETE" })
        }
    }

    @Test("With \"fail\" and \"rename\" a copy takes no other's place, and replaces what is ours")
    func conflicts() async throws {
        try await with(BucketServer.Manner(), .fail) { destination, server in
            let source = try await put(destination, "a")
            server.put("b", "theirs")
            let error = await #expect(throws: DestinationError.self) {
                try await destination.copy(source, to: self.object("b"))
            }
            #expect(error?.isConflict == true)
            #expect(server.object("b")?.body == Array("theirs".utf8))
            _ = try await put(destination, "c")
            #expect(try await destination.copy(source, to: object("c"))?.object.url == "s3://b/c")
            #expect(server.seen.last { $0.method == "PUT" }?.fields["if-match"] != nil)
            #expect(try await destination.copy(source, to: object("d")) != nil)
            #expect(server.seen.last { $0.method == "PUT" }?.fields["if-none-match"] == "*")
        }
        try await with(BucketServer.Manner(), .rename) { destination, server in
            server.put("a", "theirs")
            let source = try await put(destination, "a")
            server.put("b", "theirs")
            let copy = try #require(try await destination.copy(source, to: object("b")))
            #expect(copy.object.url?.hasPrefix("s3://b/b (conflict host ") == true)
            try await destination.delete(source)
            // What lay beside the other's name was ours.
            #expect(server.object("a") != nil && server.object("b") != nil)
            #expect(server.seen.last?.method == "DELETE")
            #expect(server.seen.last?.target.contains("conflict") == true)
        }
    }

    @Test("A server that compares other ETags than it tells is asked without them, after a second look")
    func mistakenTags() async throws {
        var manner = BucketServer.Manner()
        manner.mistakesTags = true
        try await with(manner) { destination, server in
            let source = try await put(destination, "a")
            let copy = try #require(try await destination.copy(source, to: object("b")))
            try await destination.delete(
                ObjectReference(path: source.path, url: source.url, size: 1000, tag: copy.sourceTag))
            #expect(server.object("a") == nil && server.object("b")?.body.count == 1000)
        }
    }

    @Test("Where objects forget what they say of themselves, a receipt tells that one is ours")
    func forgetful() async throws {
        var manner = BucketServer.Manner()
        manner.forgetsMetadata = true
        try await with(manner) { destination, server in
            let source = try await put(destination, "a")
            try await destination.delete(ObjectReference(path: source.path))
            #expect(server.object("a") != nil)
            #expect(try await destination.copy(source, to: object("b")) != nil)
            try await destination.delete(source)
            #expect(server.object("a") == nil)
        }
    }

    @Test("What may not be read is not deleted")
    func hidden() async throws {
        var manner = BucketServer.Manner()
        manner.hidesKeys = true
        try await with(manner) { destination, server in
            let source = try await put(destination, "a")
            let error = await #expect(throws: DestinationError.self) {
                try await destination.copy(source, to: self.object("b"))
            }
            guard case .forbidden? = error else { throw DestinationError.cancelled }
            await #expect(throws: DestinationError.self) { try await destination.delete(source) }
            #expect(server.object("a") != nil)
        }
    }
}
