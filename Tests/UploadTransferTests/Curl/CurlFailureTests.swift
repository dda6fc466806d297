import CCurl
import Glibc
import HTTPTypes
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// What a caller gets for requests that are not answered, each made to fail on a real socket.
@Suite(.timeLimit(.minutes(1)))
struct CurlFailureTests {
    private func get(_ url: String) -> TransferRequest {
        TransferRequest(method: .get, url: url, operation: "get")
    }

    @Test func `nobody listens`() async throws {
        let (descriptor, port) = try RawServer.bindLoopback()
        defer { close(descriptor) }
        let client = try CurlClient()
        let error = await failure { () async throws(DestinationError) in
            try await client.perform(get("http://127.0.0.1:\(port)/"))
        }
        #expect(error == .unreachable(.refused))
        #expect(client.figures.requestsFailed == ["get": 1])
        await client.shutdown()
    }

    @Test func `a name that does not resolve`() async throws {
        let client = try CurlClient()
        let error = await failure { () async throws(DestinationError) in
            try await client.perform(get("http://nobody.invalid/"))
        }
        #expect(error == .unreachable(.unresolved(host: "nobody.invalid")))
        await client.shutdown()
    }

    @Test(arguments: ["ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://[/"])
    func `a URL that is none of ours`(url: String) async throws {
        let client = try CurlClient()
        let error = await failure { () async throws(DestinationError) in try await client.perform(get(url)) }
        guard case .malformed = error else { return #expect(Bool(false), "\(String(describing: error))") }
        await client.shutdown()
    }

    @Test func `connecting takes too long`() async throws {
        // A full backlog: the kernel drops further SYNs, so that connecting neither works nor fails.
        let (descriptor, port) = try RawServer.bindLoopback()
        defer { close(descriptor) }
        #expect(listen(descriptor, 0) == 0)
        let client = try CurlClient(options: CurlOptions(connectTimeout: .milliseconds(300)))
        let first = await withTaskGroup(of: DestinationError?.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    await failure { () async throws(DestinationError) in
                        try await client.perform(get("http://127.0.0.1:\(port)/"))
                    }
                }
            }
            defer { group.cancelAll() }
            return await group.next()
        }
        #expect(first == .unreachable(.timedOut))
        await client.shutdown()
    }

    @Test func `the answer never comes`() async throws {
        let waited = Mutex<Duration?>(nil)
        let gone = Events()
        let server = try RawServer { connection in
            guard connection.readHead() != nil else { return }
            // Measured here, since this thread has nothing else to do.
            let time = ContinuousClock().measure { _ = connection.readHead() }
            waited.withLock { $0 = $0 ?? time }
            gone.tell("gone")
        }
        defer { server.stop() }
        // Who has less patience gives up first, whatever else this machine does.
        let client = try CurlClient(options: CurlOptions(stallTime: .milliseconds(300)))
        let other = try CurlClient(options: CurlOptions(stallTime: .seconds(600)))
        let first = await withTaskGroup(of: (isOther: Bool, error: DestinationError?).self) { group in
            for (isOther, client) in [(false, client), (true, other)] {
                group.addTask {
                    let error = await failure { () async throws(DestinationError) in
                        try await client.perform(get(server.url))
                    }
                    return (isOther, error)
                }
            }
            defer { group.cancelAll() }
            return await group.next()
        }
        #expect(first?.isOther == false && first?.error == .broken(.stalled))
        _ = await gone.next()
        // Not quite 300 ms from where the server stands.
        #expect(try #require(waited.withLock { $0 }) >= .milliseconds(250))
        await client.shutdown()
        await other.shutdown()
    }

    @Test func `the server stops reading in mid-body`() async throws {
        let server = try RawServer { connection in
            _ = connection.readHead()
            _ = connection.skip(1 << 20)
            Blocker().wait(milliseconds: 20_000)
        }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(stallTime: .milliseconds(400)))
        let sent = ByteCounter()
        let file = try TemporaryFile(size: 64 << 20)
        let error = await failure { () async throws(DestinationError) in
            try await client.perform(
                TransferRequest(
                    method: .put, url: server.url, body: .file(file, 0..<64 << 20), operation: "put", sent: sent))
        }
        #expect(error == .broken(.stalled))
        #expect(sent.value == 0)
        await client.shutdown()
    }

    @Test func `an answer may have a longer time of its own`() async throws {
        let server = try RawServer.answering { connection, _, _ in
            Blocker().wait(milliseconds: 700)
            connection.answer(200, "late")
        }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(stallTime: .milliseconds(200)))
        var request = get(server.url)
        request.answerTime = .seconds(20)
        #expect(try await client.perform(request).body == Array("late".utf8))
        await client.shutdown()
    }

    @Test func `slow is not stalled`() async throws {
        let server = try RawServer.answering { connection, _, _ in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
            for _ in 0..<20 {
                Blocker().wait(milliseconds: 100)
                connection.write(".")
            }
        }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(stallTime: .seconds(1)))
        #expect(try await client.perform(get(server.url)).body.count == 20)
        await client.shutdown()
    }

    @Test func `the connection is reset in mid-body`() async throws {
        let server = try RawServer { connection in
            _ = connection.readHead()
            _ = connection.skip(2 << 20)
            connection.reset()
        }
        defer { server.stop() }
        let client = try CurlClient()
        let sent = ByteCounter()
        let file = try TemporaryFile(size: 16 << 20)
        let error = await failure { () async throws(DestinationError) in
            try await client.perform(
                TransferRequest(
                    method: .put, url: server.url, body: .file(file, 0..<16 << 20), operation: "put", sent: sent))
        }
        #expect(error == .broken(.reset))
        #expect(sent.value == 0)
        await client.shutdown()
    }

    @Test func `the answer ends too early`() async throws {
        let server = try RawServer { connection in
            _ = connection.readHead()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let error = await failure { () async throws(DestinationError) in try await client.perform(get(server.url)) }
        #expect(error == .broken(.truncated))
        await client.shutdown()
    }

    @Test func `the server hangs up without a word`() async throws {
        let server = try RawServer { connection in _ = connection.readHead() }
        defer { server.stop() }
        let client = try CurlClient()
        let error = await failure { () async throws(DestinationError) in try await client.perform(get(server.url)) }
        #expect(error == .broken(.reset))
        await client.shutdown()
    }

    @Test(arguments: ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 nonsense\r\n\r\n"])
    func `the answer is not HTTP`(text: String) async throws {
        let server = try RawServer { connection in
            _ = connection.readHead()
            connection.write(text)
        }
        defer { server.stop() }
        let client = try CurlClient()
        let error = await failure { () async throws(DestinationError) in try await client.perform(get(server.url)) }
        guard case .malformed = error else { return #expect(Bool(false), "\(String(describing: error))") }
        await client.shutdown()
    }

    @Test func `the answer is longer than we care to hold`() async throws {
        let server = try RawServer.answering { connection, _, _ in
            connection.answer(200, String(repeating: "x", count: 2000))
        }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(maximumAnswer: 1000))
        let error = await failure { () async throws(DestinationError) in try await client.perform(get(server.url)) }
        guard case .malformed = error else { return #expect(Bool(false), "\(String(describing: error))") }
        await client.shutdown()
    }

    /// Refused while 64 MiB are on their way, by servers of three tempers. (One that resets the
    /// connection in the same moment as it answers may win the race, and is a break then.)
    @Test(arguments: ["close and listen", "reset", "read on"])
    func `a refusal before the body's end is the answer`(then: String) async throws {
        let server = try RawServer { connection in
            guard let request = connection.readHead() else { return }
            _ = connection.skip(1 << 20)
            connection.answer(
                413, fields: ["Content-Type": "application/problem+json", "Connection": "close"], "{\"limit\":1}")
            switch then {
            case "close and listen":
                connection.finishWriting()
                _ = connection.skip(request.length)
            case "reset":
                // More than the kernel holds between the two: the client has looked at its socket since.
                _ = connection.skip(24 << 20)
                connection.reset()
            default: _ = connection.skip(request.length)
            }
        }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(stallTime: .seconds(5)))
        let file = try TemporaryFile(size: 64 << 20)
        let sent = ByteCounter()
        for _ in 0..<5 {
            let response = try await client.perform(
                TransferRequest(
                    method: .put, url: server.url, body: .file(file, 0..<64 << 20), operation: "put", sent: sent))
            #expect(response.status == 413)
            #expect(response.body == Array("{\"limit\":1}".utf8))
        }
        #expect(sent.value == 0)
        await client.shutdown()
    }
}
