import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// What goes over the wire to S3, and what is believed of the answers, where no server at hand shows it. One after
/// another: S3's parts are big, and other suites measure times beside this one.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct S3DestinationTests {
    private static let size: Int64 = 12_000_000

    private func with(
        _ manner: BucketServer.Manner = BucketServer.Manner(), _ conflict: ConflictRule = .overwrite,
        _ body: (S3Destination, BucketServer) async throws -> Void
    ) async throws {
        try await BucketServer.with(manner, S3Options(onConflict: conflict, origin: "me", host: "host"), body)
    }

    private func object(_ name: String, _ size: Int64?) throws -> ObjectDescription {
        ObjectDescription(
            path: try UploadPath(name), size: size, contentType: "text/plain", modified: Timestamp(seconds: 5),
            mode: 0o644)
    }

    private var chunks: [ChunkRef] {
        (0..<3).map { index in
            let start = Int64(index) * (5 << 20)
            return ChunkRef(index: index, generation: 1, range: start..<min(start + (5 << 20), Self.size))
        }
    }

    /// A file of three parts.
    private func film(
        _ destination: S3Destination, _ name: String = "film"
    ) async throws -> (receipt: PublishReceipt, session: any UploadSession, file: TemporaryFile) {
        let file = try TemporaryFile(size: Self.size)
        let session = try await destination.begin(object(name, nil))
        for chunk in chunks { _ = try await session.send(chunk, content: file, sent: ByteCounter()) }
        let object = try object(name, Self.size)
        return (try await session.finish(object, content: file, chunks: chunks, released: RangeSet()), session, file)
    }

    @Test("A part's checksum travels with it, the whole object's at the end, also of parts that were listed")
    func checksums() async throws {
        try await with { destination, server in
            let small = try TemporaryFile(size: 1000)
            _ = try await destination.put(object("small", 1000), content: small, sent: ByteCounter())
            var sum = CRC64NVME()
            try small.contents().withUnsafeBytes { sum.update($0) }
            #expect(server.object("small")?.fields[S3Checksums.field] == sum.text)
            let (_, _, file) = try await film(destination)
            let last = try #require(server.seen.last)
            var whole = CRC64NVME()
            try file.contents().withUnsafeBytes { whole.update($0) }
            #expect(last.fields[S3Checksums.field] == whole.text)
            #expect(last.fields["x-amz-checksum-type"] == "FULL_OBJECT")
            #expect(destination.remark == nil)
            // Killed before the end: the next one asks.
            let session = try await destination.begin(object("next", nil))
            for chunk in chunks { _ = try await session.send(chunk, content: file, sent: ByteCounter()) }
            let later = destination.resume(session.token, schedule: destination.limits.schedule)
            _ = try await later.finish(object("next", Self.size), content: file, chunks: chunks, released: RangeSet())
            #expect(server.seen.last?.fields[S3Checksums.field] == whole.text)
        }
    }

    @Test(
        "A server that does not take checksums is asked without them, once and for all; one that keeps none is told of")
    func noChecksums() async throws {
        var manner = BucketServer.Manner()
        manner.checksums = .refused
        try await with(manner) { destination, server in
            _ = try await film(destination)
            #expect(server.object("film")?.body.count == Int(Self.size))
            #expect(server.seen.count { $0.fields.keys.contains { $0.hasPrefix("x-amz-checksum") } } == 1)
            #expect(destination.remark?.contains("no checksums") == true)
        }
        manner.checksums = .halfRefused
        try await with(manner) { destination, server in
            _ = try await destination.put(object("a", 1000), content: TemporaryFile(size: 1000), sent: ByteCounter())
            _ = try await film(destination)
            #expect(server.object("film")?.body.count == Int(Self.size))
        }
        manner.checksums = .ignored
        try await with(manner) { destination, server in
            _ = try await film(destination)
            #expect(server.seen.last?.fields[S3Checksums.field] == nil)
            #expect(destination.remark?.contains("no checksums") == true)
        }
    }

    @Test("A clock that goes wrong and a region that nobody named are learned from the first refusal")
    func learns() async throws {
        var manner = BucketServer.Manner()
        manner.ahead = -7200
        manner.region = "eu-north-1"
        try await with(manner) { destination, server in
            _ = try await film(destination)
            // Twice: what it is told of first is the region.
            _ = try await destination.put(object("a", 1000), content: TemporaryFile(size: 1000), sent: ByteCounter())
            #expect(server.object("film") != nil && server.object("a") != nil)
            #expect(server.seen.count <= 5 + 2 + 1)
        }
    }

    @Test("What was finished, and whose answer was lost, is found finished: nothing travels again")
    func lostAnswers() async throws {
        var manner = BucketServer.Manner()
        manner.lost = ["complete"]
        try await with(manner) { destination, server in
            let file = try TemporaryFile(size: Self.size)
            let session = try await destination.begin(object("film", nil))
            for chunk in chunks { _ = try await session.send(chunk, content: file, sent: ByteCounter()) }
            let object = try object("film", Self.size)
            await #expect(throws: DestinationError.self) {
                try await session.finish(object, content: file, chunks: chunks, released: RangeSet())
            }
            let receipt = try await session.finish(object, content: file, chunks: chunks, released: RangeSet())
            #expect(receipt.size == Self.size && receipt.digest.hasPrefix("sha-256="))
            let later = destination.resume(session.token, schedule: destination.limits.schedule)
            #expect(try await later.inventory() == nil)
            #expect(try await later.finish(object, content: file, chunks: chunks, released: RangeSet()) == receipt)
            // Another content, of another size, is none that was finished.
            await #expect(throws: DestinationError.sessionLost) {
                try await later.finish(
                    self.object("film", chunks[0].length), content: file, chunks: Array(chunks.prefix(1)),
                    released: RangeSet())
            }
            // Nor is it, once somebody else has the name.
            server.put("film", "other")
            await #expect(throws: DestinationError.sessionLost) { _ = try await later.inventory() }
        }
    }

    @Test(
        "With \"fail\", what others have put is left alone, and what this mount has put is replaced",
        arguments: [true, false])
    func fails(holdsConditions: Bool) async throws {
        var manner = BucketServer.Manner()
        manner.holdsConditions = holdsConditions
        manner.lost = ["PUT"]
        try await with(manner, .fail) { destination, server in
            server.put("a", "theirs")
            let file = try TemporaryFile(size: 1000)
            let error = await #expect(throws: DestinationError.self) {
                try await destination.put(self.object("a", 1000), content: file, sent: ByteCounter())
            }
            guard case .rejected(let rejection)? = error else { throw DestinationError.cancelled }
            #expect(rejection.cause == .conflict && rejection.detail.contains("a already"))
            #expect(server.object("a")?.body == Array("theirs".utf8))
            // Its answer is lost, and asked for again.
            await #expect(throws: DestinationError.self) {
                try await destination.put(self.object("b", 1000), content: file, sent: ByteCounter())
            }
            for _ in 0..<2 { _ = try await destination.put(object("b", 1000), content: file, sent: ByteCounter()) }
            #expect(server.object("b")?.fields["if-match"] != nil)
            for _ in 0..<2 { _ = try await film(destination, "c") }
            server.put("c", "theirs")
            let late = await #expect(throws: DestinationError.self) { try await self.film(destination, "c") }
            guard case .rejected? = late else { throw DestinationError.cancelled }
            #expect(server.object("c")?.body == Array("theirs".utf8))
        }
    }

    @Test("Who may not ask what is there is held to the conditions alone, and knows its own for as long as it runs")
    func hidden() async throws {
        var manner = BucketServer.Manner()
        manner.hidesKeys = true
        try await with(manner, .fail) { destination, server in
            server.put("a", "theirs")
            let file = try TemporaryFile(size: 1000)
            let error = await #expect(throws: DestinationError.self) {
                try await destination.put(self.object("a", 1000), content: file, sent: ByteCounter())
            }
            #expect(self.isConflict(error))
            #expect(server.object("a")?.body == Array("theirs".utf8))
            for _ in 0..<2 { _ = try await destination.put(object("b", 1000), content: file, sent: ByteCounter()) }
            server.put("b", "theirs")
            let late = await #expect(throws: DestinationError.self) {
                try await destination.put(self.object("b", 1000), content: file, sent: ByteCounter())
            }
            #expect(self.isConflict(late))
        }
    }

    private func isConflict(_ error: DestinationError?) -> Bool {
        if case .rejected(let rejection)? = error { return rejection.cause == .conflict }
        return false
    }

    @Test("A copy that somebody made of an object of ours is that one's; so is one that is gone, and made by another")
    func copied() async throws {
        try await with(BucketServer.Manner(), .fail) { destination, server in
            let file = try TemporaryFile(size: 1000)
            _ = try await destination.put(object("a", 1000), content: file, sent: ByteCounter())
            server.copy("a", to: "c")
            let error = await #expect(throws: DestinationError.self) {
                try await destination.put(self.object("c", 1000), content: file, sent: ByteCounter())
            }
            #expect(self.isConflict(error))
            server.remove("a")
            _ = try await destination.put(object("a", 1000), content: file, sent: ByteCounter())
        }
    }

    @Test("Where objects forget what they say of themselves, this run's are known by their ETags")
    func forgetful() async throws {
        var manner = BucketServer.Manner()
        manner.forgetsMetadata = true
        try await with(manner, .fail) { destination, server in
            for _ in 0..<2 { _ = try await film(destination) }
            server.put("film", "theirs")
            let error = await #expect(throws: DestinationError.self) { try await self.film(destination) }
            #expect(self.isConflict(error))
        }
    }

    @Test("That credentials are over is heard, also where the first question has no room for it")
    func expired() async throws {
        var manner = BucketServer.Manner()
        manner.isExpired = true
        try await with(manner, .fail) { destination, server in
            await #expect(throws: DestinationError.unauthorized(status: 400)) {
                try await destination.put(
                    self.object("a", 1000), content: TemporaryFile(size: 1000), sent: ByteCounter())
            }
            server.change { $0.isExpired = false }
            _ = try await destination.put(object("a", 1000), content: TemporaryFile(size: 1000), sent: ByteCounter())
        }
    }

    @Test("What the server has put together wrongly is not published, whatever is asked afterwards")
    func anotherSum() async throws {
        var manner = BucketServer.Manner()
        manner.tellsAnotherSum = true
        try await with(manner) { destination, server in
            let file = try TemporaryFile(size: Self.size)
            let session = try await destination.begin(object("film", nil))
            for chunk in chunks { _ = try await session.send(chunk, content: file, sent: ByteCounter()) }
            let object = try object("film", Self.size)
            await #expect(throws: DestinationError.damaged) {
                try await session.finish(object, content: file, chunks: chunks, released: RangeSet())
            }
            await #expect(throws: DestinationError.sessionLost) {
                try await session.finish(object, content: file, chunks: chunks, released: RangeSet())
            }
            server.change { $0.tellsAnotherSum = false }
            _ = try await film(destination)
        }
    }

    @Test("With \"rename\" a file goes beside what others have put, and stays there")
    func renames() async throws {
        try await with(BucketServer.Manner(), .rename) { destination, server in
            server.put("d/a.txt", "theirs")
            server.put("film", "theirs")
            let file = try TemporaryFile(size: 1000)
            let receipts = try await [
                destination.put(object("d/a.txt", 1000), content: file, sent: ByteCounter()),
                destination.put(object("d/a.txt", 1000), content: file, sent: ByteCounter()),
            ]
            #expect(receipts[0].url == receipts[1].url)
            let pattern = /s3:\/\/b\/d\/a \(conflict host \d{8}T\d{6}Z\)\.txt/
            #expect(try pattern.wholeMatch(in: receipts[0].url) != nil, "\(receipts[0].url)")
            #expect(server.object("d/a.txt")?.body == Array("theirs".utf8))
            // A multipart upload has its name from the beginning.
            let receipt = try await film(destination).receipt
            #expect(receipt.url.hasPrefix("s3://b/film (conflict host "))
            // Taken meanwhile, it begins again.
            let session = try await destination.begin(self.object("late", nil))
            let long = try TemporaryFile(size: Self.size)
            for chunk in chunks { _ = try await session.send(chunk, content: long, sent: ByteCounter()) }
            server.put("late", "theirs")
            let late = try self.object("late", Self.size)
            await #expect(throws: DestinationError.sessionLost) {
                try await session.finish(late, content: long, chunks: self.chunks, released: RangeSet())
            }
            #expect(server.seen.last?.method == "DELETE")
            // One that an earlier run began beside it is gone on with.
            let beside = try await destination.begin(late)
            for chunk in chunks { _ = try await beside.send(chunk, content: long, sent: ByteCounter()) }
            let client = try CurlClient()
            let next = S3Destination(
                try S3Location("s3://b?endpoint=\(server.endpoint)&part-size=5MiB"), client: client,
                credentials: FixedCredentials(S3Credentials(accessKey: "A", secretKey: "S")),
                options: S3Options(onConflict: .rename, origin: "me", host: "host"))
            let again = try await next.resume(beside.token, schedule: next.limits.schedule)
                .finish(late, content: long, chunks: chunks, released: RangeSet())
            await client.shutdown()
            #expect(again.url.hasPrefix("s3://b/late (conflict host "))
        }
    }

    @Test("The name of a conflict's copy keeps the extension, and is none where it would be too long")
    func copies() throws {
        func copy(_ name: String) throws -> String? {
            try UploadPath(name).conflictCopy(host: "h", date: "D")?.text
        }
        #expect(try copy("d/a.tar.gz") == "d/a.tar (conflict h D).gz")
        #expect(try copy("a") == "a (conflict h D)" && copy(".hidden") == ".hidden (conflict h D)")
        #expect(try copy(String(repeating: "x", count: 250)) == nil)
    }
}
