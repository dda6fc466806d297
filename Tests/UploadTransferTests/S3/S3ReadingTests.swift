import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// Reading what was published, from a bucket.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct S3ReadingTests {
    private static let text = "0123456789"

    private func with(
        _ conflict: ConflictRule = .overwrite, _ body: (S3Destination, BucketServer) async throws -> Void
    ) async throws {
        try await BucketServer.with(
            at: { "s3://b/p?endpoint=\($0)&part-size=5MiB" },
            S3Options(onConflict: conflict, origin: "me", host: "host"), body)
    }

    private func put(_ destination: S3Destination, _ name: String = "d/a +b") async throws -> ReadableObject {
        let file = try TemporaryFile(size: 0)
        try file.write(Array(Self.text.utf8), at: 0)
        let path = try UploadPath(name)
        let receipt = try await destination.put(
            ObjectDescription(
                path: path, size: 10, contentType: "text/plain", modified: Timestamp(seconds: 5), mode: 0o644),
            content: file, sent: ByteCounter())
        return ReadableObject(version: VersionID(1), path: path, size: 10, receipt)
    }

    private func error(_ destination: S3Destination, _ object: ReadableObject) async -> DestinationError? {
        await failure { () async throws(DestinationError) in _ = try await destination.read(2..<5, of: object) }
    }

    @Test("A range is asked for under the ETag of its publication, and signed")
    func read() async throws {
        try await with { destination, server in
            #expect(destination.limits.canRead)
            var object = try await put(destination)
            let tag = try #require(object.tag)
            #expect(object.url == "s3://b/p/d/a +b")
            let piece = try await destination.read(2..<5, of: object)
            #expect(piece == ObjectPiece(bytes: Array("234".utf8), tag: tag))
            let request = try #require(server.seen.last)
            #expect(request.method == "GET" && request.target == "/b/p/d/a%20%2Bb")
            #expect(request.fields["range"] == "bytes=2-4" && request.fields["if-match"] == "\"\(tag)\"")
            #expect(request.fields["authorization"]?.contains("if-match;range") == true)
            object.held = piece.tag
            #expect(try await destination.read(9..<10, of: object).bytes == Array("9".utf8))
        }
    }

    @Test("Another object of the name is told by the condition, and where the server takes no notice of it by its ETag")
    func changed() async throws {
        try await with { destination, server in
            let object = try await put(destination)
            server.put("p/d/a +b", Self.text)
            #expect(await error(destination, object) == .objectChanged)
            #expect(server.seen.last?.fields["if-match"] != nil)
            server.change { $0.holdsConditions = false }
            #expect(await error(destination, object) == .objectChanged)
            server.remove("p/d/a +b")
            #expect(await error(destination, object) == .objectGone)
            server.change { $0.hidesKeys = true }
            guard case .forbidden? = await error(destination, object) else {
                Issue.record("what may not be read")
                return
            }
        }
    }

    @Test("What nobody knows a tag of must not be another mount's; with conflicts looked for, it must be ours")
    func untagged() async throws {
        for conflict in ConflictRule.allCases {
            try await with(conflict) { destination, server in
                let object = try await put(destination, "a")
                let old = ReadableObject(version: VersionID(1), path: object.path, size: 10)
                #expect(try await destination.read(2..<5, of: old).bytes == Array("234".utf8))
                server.put("p/a", Self.text, mark: S3Mark(origin: "other", key: "p/a").text)
                #expect(await error(destination, old) == .objectChanged)
                server.put("p/a", Self.text)
                #expect(await error(destination, old) == (conflict == .overwrite ? nil : .objectChanged))
                server.put("p/a", Self.text + "0")
                #expect(await error(destination, old) == .objectChanged, "of another size")
            }
        }
    }

    @Test("A copy beside another's object is read under the name that it got")
    func renamed() async throws {
        try await with(.rename) { destination, server in
            server.put("p/a", "abcdefghij")
            let object = try await put(destination, "a")
            #expect(try await destination.read(2..<5, of: object).bytes == Array("234".utf8))
        }
    }

    @Test("An object of parts is known again, also by a server that tells the ETag of its bytes later on; and no other")
    func parts() async throws {
        try await with { destination, server in
            let size: Int64 = 6 << 20
            let letters = [UInt8](repeating: UInt8(ascii: "a"), count: Int(size))
            let file = try TemporaryFile(size: 0)
            try file.write(letters, at: 0)
            let described = ObjectDescription(
                path: try UploadPath("film"), size: size, contentType: "video/mp4", modified: Timestamp(seconds: 5),
                mode: 0o644)
            let session = try await destination.begin(described)
            let chunks = [0..<Int64(5 << 20), Int64(5 << 20)..<size].enumerated().map {
                ChunkRef(index: $0.offset, generation: 1, range: $0.element)
            }
            for chunk in chunks { _ = try await session.send(chunk, content: file, sent: ByteCounter()) }
            let receipt = try await session.finish(described, content: file, chunks: chunks)
            #expect(receipt.tag == "m-2")
            let object = ReadableObject(version: VersionID(1), path: described.path, size: size, receipt)
            #expect(try await destination.read(0..<1 << 20, of: object).bytes == Array(letters.prefix(1 << 20)))
            server.change { $0.forgetsParts = true }
            let later = try await destination.read(2..<5, of: object)
            #expect(later.tag == "m2")
            var held = object
            held.held = later.tag
            server.put("p/film", String(repeating: "b", count: Int(size)))
            #expect(await error(destination, held) == .objectChanged)
            server.put(
                "p/film", String(repeating: "b", count: Int(size)), mark: S3Mark(origin: "other", key: "p/film").text)
            #expect(await error(destination, object) == .objectChanged)
        }
    }

    @Test("A server without ranges gives what objects begin with, and says so of the rest")
    func noRanges() async throws {
        try await with { destination, server in
            server.change { $0.ignoresRanges = true }
            let object = try await put(destination)
            #expect(try await destination.read(0..<3, of: object).bytes == Array("012".utf8))
            guard case .rejected(let rejection)? = await error(destination, object) else {
                Issue.record("a part in the middle")
                return
            }
            #expect(rejection.detail.contains("Range"))
        }
    }
}
