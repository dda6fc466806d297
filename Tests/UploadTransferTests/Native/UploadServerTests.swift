import Foundation
import Glibc
import HTTPTypes
import Logging
import TestSupport
import Testing
import UploadCore
import UploadServer

@testable import UploadTransfer

/// Our client and our server, on a real socket and a real disk.
@Suite(.timeLimit(.minutes(1)))
struct UploadServerTests {
    private struct Place {
        let destination: NativeDestination
        let client: CurlClient
        let directory: URL
        let url: String
    }

    private func withServer(
        maximumFileSize: Int64? = nil, allowedTypes: [String] = [], token: String? = nil, sending: String? = nil,
        options: NativeOptions = NativeOptions(chunkSize: 100_000), _ body: @Sendable (Place) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "uploadfs-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let server = try UploadServer(
            configuration: UploadServerConfiguration(
                directory: directory.path, maximumFileSize: maximumFileSize, allowedTypes: allowedTypes, token: token),
            logger: Logger(label: "server") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            let url = "http://127.0.0.1:\(try await server.boundPort())"
            let client = try CurlClient()
            let destination = NativeDestination(
                baseURL: url, client: client, credentials: { sending }, options: options)
            try await body(Place(destination: destination, client: client, directory: directory, url: url))
            await client.shutdown()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    private func object(_ path: String, size: Int64? = nil, type: String = "text/plain") throws -> ObjectDescription {
        ObjectDescription(
            path: try UploadPath(path), size: size, contentType: type,
            modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789), mode: 0o640)
    }

    private func chunks(of size: Int64) -> [ChunkRef] {
        let schedule = ChunkSchedule.equal(100_000)
        return (0..<schedule.count(size: size)).map {
            ChunkRef(index: $0, generation: 1, range: schedule.range(of: $0).clamped(to: 0..<size))
        }
    }

    /// The bytes on the server's disk are the file's.
    private func expect(_ path: String, in place: Place, is file: TemporaryFile) throws {
        let stored = try Data(contentsOf: place.directory.appending(path: path))
        var bytes = [UInt8](repeating: 0, count: Int(try file.size()))
        let count = bytes.withUnsafeMutableBytes { pread(file.descriptor, $0.baseAddress, $0.count, 0) }
        #expect(count == bytes.count)
        #expect(stored == Data(bytes))
    }

    @Test func `the probe is answered`() async throws {
        try await withServer(maximumFileSize: 12_345) { place in
            try await place.destination.probe()
            #expect(place.destination.limits.maximumFileSize == 12_345)
        }
    }

    @Test(arguments: [Int64(0), 1, 99_999]) func `a small file arrives`(size: Int64) async throws {
        try await withServer { place in
            let file = try TemporaryFile(size: size)
            let sent = ByteCounter()
            let receipt = try await place.destination.put(object("a/ü 1#?%.txt"), content: file, sent: sent)
            #expect(receipt.size == size)
            #expect(sent.value == size)
            try expect("a/ü 1#?%.txt", in: place, is: file)
            let attributes = try FileManager.default.attributesOfItem(
                atPath: place.directory.appending(path: "a/ü 1#?%.txt").path)
            #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970.rounded() == 1_700_000_000)
            #expect(attributes[.posixPermissions] as? Int == 0o640)
            let got = try await place.client.perform(
                TransferRequest(method: .get, url: receipt.url, operation: "get"))
            #expect(got.status == 200 && got.body.count == Int(size))
        }
    }

    @Test func `a file in chunks arrives, whatever their order, and one rewritten meanwhile`() async throws {
        try await withServer { place in
            let file = try TemporaryFile(size: 1_050_000)
            let session = try await place.destination.begin(object("early name"))
            let sent = ByteCounter()
            var chunks = chunks(of: 1_050_000)
            try await withThrowingTaskGroup(of: StoredChunk.self) { group in
                for chunk in chunks.shuffled() {
                    group.addTask { try await session.send(chunk, content: file, sent: sent) }
                }
                for try await stored in group { #expect(stored.length == chunks[stored.index].length) }
            }
            #expect(sent.value == 1_050_000)
            try file.write(Array("rewritten".utf8), at: 250_000)
            chunks[2] = ChunkRef(index: 2, generation: 2, range: chunks[2].range)
            let stored = try await session.send(chunks[2], content: file, sent: sent)
            let inventory = try #require(try await session.inventory())
            #expect(inventory.count == 11 && inventory.contains(stored))
            let receipt = try await session.finish(
                object("d/late name", size: 1_050_000), content: file, chunks: chunks, released: RangeSet())
            #expect(receipt.size == 1_050_000)
            try expect("d/late name", in: place, is: file)
            #expect(!FileManager.default.fileExists(atPath: place.directory.appending(path: "early name").path))
            // The answer may have been lost: asking again has the same effect once.
            #expect(
                try await session.finish(
                    object("d/late name", size: 1_050_000), content: file, chunks: chunks, released: RangeSet())
                    == receipt)
        }
    }

    @Test func `another process goes on with what was begun`() async throws {
        try await withServer { place in
            let file = try TemporaryFile(size: 250_000)
            let chunks = chunks(of: 250_000)
            let first = try await place.destination.begin(object("f"))
            _ = try await first.send(chunks[1], content: file, sent: ByteCounter())
            let second = place.destination.resume(first.token, schedule: .equal(100_000))
            #expect(try await second.inventory()?.map(\.index) == [1])
            let missing = await failure { () async throws(DestinationError) in
                try await second.finish(
                    describe("f", size: 250_000), content: file, chunks: chunks, released: RangeSet())
            }
            #expect(missing == .missing([0, 2]))
            for index in [0, 2] { _ = try await second.send(chunks[index], content: file, sent: ByteCounter()) }
            _ = try await second.finish(object("f", size: 250_000), content: file, chunks: chunks, released: RangeSet())
            try expect("f", in: place, is: file)
        }
    }

    private func describe(_ path: String, size: Int64?) -> ObjectDescription {
        var description = ObjectDescription(
            path: UploadPath([]), size: size, contentType: "text/plain", modified: Timestamp(seconds: 0), mode: 0o600)
        if let path = try? UploadPath(path) { description.path = path }
        return description
    }

    @Test func `what is aborted is gone, and aborting it again is no error`() async throws {
        try await withServer { place in
            let file = try TemporaryFile(size: 100_000)
            let session = try await place.destination.begin(object("f"))
            let chunk = chunks(of: 100_000)[0]
            _ = try await session.send(chunk, content: file, sent: ByteCounter())
            try await session.abort()
            try await session.abort()
            let sent = ByteCounter()
            #expect(
                await failure { () async throws(DestinationError) in
                    try await session.send(chunk, content: file, sent: sent)
                } == .sessionLost)
            #expect(sent.value == 0)
            #expect(
                await failure { () async throws(DestinationError) in try await session.inventory() } == .sessionLost)
        }
    }

    /// The spool changes between hashing and sending: the server keeps nothing of it.
    @Test func `bytes that are not those we hashed are damaged`() async throws {
        try await withServer { place in
            let file = try TemporaryFile(size: 10)
            let digest = ContentDigest.text(try RollingDigest.digest(of: 0..<10, content: file))
            try file.write(Array("x".utf8), at: 0)
            let response = try await place.client.perform(
                TransferRequest(
                    method: .put, url: "\(place.url)/files/x",
                    fields: HTTPFields(named: ["Content-Digest": digest, "Content-Type": "text/plain"]),
                    body: .file(file, 0..<10), operation: "put"))
            #expect(NativeFailures.error(response) == .damaged)
            #expect(!FileManager.default.fileExists(atPath: place.directory.appending(path: "x").path))
        }
    }

    @Test func `a file over the limit is refused, and the limit told`() async throws {
        try await withServer(maximumFileSize: 1000) { place in
            let file = try TemporaryFile(size: 32 << 20)
            let error = await failure { () async throws(DestinationError) in
                try await place.destination.put(
                    describe("f", size: 32 << 20), content: file, sent: ByteCounter())
            }
            guard case .rejected(let rejection) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(rejection.cause == .tooLarge(limit: 1000))
        }
    }

    @Test func `a type that is not taken is refused`() async throws {
        try await withServer(allowedTypes: ["image/*"]) { place in
            let error = await failure { () async throws(DestinationError) in
                try await place.destination.begin(describe("f", size: nil))
            }
            guard case .rejected(let rejection) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(rejection.cause == .typeRefused)
        }
    }

    @Test(arguments: [nil, "wrong", "right"] as [String?])
    func `only the right token comes in`(token: String?) async throws {
        try await withServer(token: "right", sending: token) { place in
            let error = await failure { () async throws(DestinationError) in try await place.destination.probe() }
            #expect(error == (token == "right" ? nil : .unauthorized(status: 401)))
        }
    }
}
