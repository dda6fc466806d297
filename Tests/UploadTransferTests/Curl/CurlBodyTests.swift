import Foundation
import Glibc
import HTTPTypes
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// Bodies that are read from the spool while they travel.
@Suite(.timeLimit(.minutes(1)))
struct CurlBodyTests {
    /// The other end keeps what it gets in a file; afterwards the two are compared.
    @Test func `64 MiB arrive byte for byte, and not by way of memory`() async throws {
        let size: Int64 = 64 << 20
        let file = try TemporaryFile(size: size)
        let copy = try TemporaryFile(size: 0)
        let server = try RawServer { connection in
            guard let request = connection.readHead() else { return }
            var offset: Int64 = 0
            while offset < request.length, let bytes = connection.read(atMost: 256 << 10) {
                guard (try? copy.write(bytes, at: offset)) != nil else { return }
                offset += Int64(bytes.count)
            }
            connection.answer(200, "")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let sent = ByteCounter()
        let before = try residentBytes()
        let watched = Watched(file)
        let request = TransferRequest(
            method: .put, url: server.url, body: .file(watched, 0..<size), operation: "put", sent: sent)
        #expect(try await client.perform(request).status == 200)
        #expect(sent.value == size)
        #expect(try same(file, copy))
        // Other tests run beside this one; a body held in memory would be 64 MiB.
        #expect(watched.mostResident - before < 48 << 20)
        #expect(watched.mostResident > 0)
        await client.shutdown()
    }

    @Test func `a range within a file is sent, and nothing else of it`() async throws {
        let server = try RawServer.answering { connection, _, body in
            connection.answer(200, fields: ["X-Same": body == TemporaryFile.middle ? "yes" : "no"], "")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let file = try TemporaryFile(size: 1000)
        try file.write(TemporaryFile.middle, at: 300)
        let response = try await client.perform(
            TransferRequest(method: .put, url: server.url, body: .file(file, 300..<310), operation: "put"))
        #expect(response.fields.first { $0.name.canonicalName == "x-same" }?.value == "yes")
        await client.shutdown()
    }

    @Test func `a spool that can't be read is told as such`() async throws {
        let server = try RawServer.answering { connection, _, _ in connection.answer(200, "") }
        defer { server.stop() }
        let client = try CurlClient()
        let file = try TemporaryFile(size: 1 << 20)
        file.fail(with: .system(call: "pread", errno: EIO))
        let error = await failure { () async throws(DestinationError) in
            try await client.perform(
                TransferRequest(method: .put, url: server.url, body: .file(file, 0..<1 << 20), operation: "put"))
        }
        #expect(error == .source(.system(call: "pread", errno: EIO)))
        await client.shutdown()
    }

    @Test func `a file that is shorter than promised is an error of the spool`() async throws {
        let server = try RawServer.answering { connection, _, _ in connection.answer(200, "") }
        defer { server.stop() }
        let client = try CurlClient()
        let file = try TemporaryFile(size: 1000)
        let sent = ByteCounter()
        let error = await failure { () async throws(DestinationError) in
            try await client.perform(
                TransferRequest(
                    method: .put, url: server.url, body: .file(file, 0..<2000), operation: "put", sent: sent))
        }
        #expect(error == .source(.system(call: "pread", errno: ENODATA)))
        #expect(sent.value == 0)
        await client.shutdown()
    }

    @Test func `bytes are counted while they go, and taken back after an error`() async throws {
        let events = Events()
        let goOn = Blocker()
        let server = try RawServer { connection in
            guard let request = connection.readHead() else { return }
            let first = connection.skip(4 << 20)
            events.tell("some")
            goOn.wait()
            _ = connection.skip(request.length - first)
            connection.answer(503, "")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let file = try TemporaryFile(size: 64 << 20)
        let sent = ByteCounter()
        let request = TransferRequest(
            method: .put, url: server.url, body: .file(file, 0..<64 << 20), operation: "put", sent: sent)
        async let response = client.perform(request)
        _ = await events.next()
        #expect(sent.value >= 4 << 20)
        #expect(sent.value < 64 << 20)
        goOn.signal()
        #expect(try await response.status == 503)
        #expect(sent.value == 0)
        await client.shutdown()
    }

    private func same(_ one: TemporaryFile, _ other: TemporaryFile) throws -> Bool {
        let size = try one.size()
        guard try other.size() == size else { return false }
        let names = ["/proc/self/fd/\(one.descriptor)", "/proc/self/fd/\(other.descriptor)"]
        let (left, right) = (
            try FileHandle(forReadingFrom: URL(filePath: names[0])),
            try FileHandle(forReadingFrom: URL(filePath: names[1]))
        )
        while let bytes = try left.read(upToCount: 1 << 20), !bytes.isEmpty {
            guard try right.read(upToCount: 1 << 20) == bytes else { return false }
        }
        return true
    }
}

extension TemporaryFile {
    fileprivate static let middle = Array("ten bytes.".utf8)
}

private func residentBytes() throws -> Int {
    let words = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (Int(words[1]) ?? 0) * Int(getpagesize())
}

/// Looks at the process's memory whenever it is read.
private final class Watched: SpoolFile {
    private let file: TemporaryFile
    private let most = Mutex(0)
    var mostResident: Int { most.withLock { $0 } }
    let version = VersionID(1)
    var descriptor: Int32 { file.descriptor }

    init(_ file: TemporaryFile) {
        self.file = file
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SpoolError) -> Int {
        let now = (try? residentBytes()) ?? .max
        most.withLock { $0 = max($0, now) }
        return try file.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SpoolError) {
        try file.write(bytes, at: offset)
    }

    /// Nobody makes room here.
    func punch(_ range: Range<Int64>) throws(SpoolError) {}
    func allocate(_ range: Range<Int64>, keepingSize: Bool) throws(SpoolError) {}
    func next(_ kind: SpoolExtent, from offset: Int64) throws(SpoolError) -> Int64? { nil }
    func measure() {}
    func truncate(to size: Int64) throws(SpoolError) { try file.truncate(to: size) }
    func size() throws(SpoolError) -> Int64 { try file.size() }
    func synchronize() throws(SpoolError) {}
}
