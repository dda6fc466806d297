import HTTPTypes
import Synchronization
import Testing
import UploadCore

@testable import UploadTransfer

/// What a caller gets for requests that are answered.
@Suite(.timeLimit(.minutes(1)))
struct CurlClientTests {
    @Test func `an answer comes with its status, fields and body`() async throws {
        let server = try RawServer.answering { connection, _, _ in
            connection.answer(201, fields: ["ETag": "\"x\"", "X-Empty": ""], "hello")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.perform(TransferRequest(method: .get, url: server.url, operation: "get"))
        #expect(response.status == 201)
        #expect(response.fields[.eTag] == "\"x\"")
        #expect(response.body == Array("hello".utf8))
        await client.shutdown()
    }

    @Test func `a request says who we are, how long it is, and does not wait for leave to send`() async throws {
        let seen = Mutex<RawRequest?>(nil)
        let server = try RawServer.answering { connection, request, body in
            seen.withLock { $0 = request }
            connection.answer(200, String(decoding: body, as: UTF8.self))
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.perform(
            TransferRequest(
                method: .post, url: "\(server.url)/a?b=c", fields: [.contentType: "text/plain"],
                body: .bytes(Array("ping".utf8)), operation: "post"))
        #expect(response.body == Array("ping".utf8))
        let request = try #require(seen.withLock { $0 })
        #expect(request.method == "POST")
        #expect(request.target == "/a?b=c")
        #expect(request.fields["user-agent"] == "uploadfs/\(UploadCore.version)")
        #expect(request.fields["content-length"] == "4")
        #expect(request.fields["content-type"] == "text/plain")
        #expect(request.fields["expect"] == nil)
        #expect(request.fields["transfer-encoding"] == nil)
        await client.shutdown()
    }

    @Test(arguments: ["GET", "DELETE", "PUT", "HEAD"])
    func `every method goes out as it is called`(method: String) async throws {
        let seen = Mutex<RawRequest?>(nil)
        let server = try RawServer.answering { connection, request, _ in
            seen.withLock { $0 = request }
            connection.answer(200, fields: [:], "")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let body = method == "PUT" ? TransferRequest.Body.file(try TemporaryFile(size: 0), 0..<0) : .none
        let response = try await client.perform(
            TransferRequest(
                method: try #require(HTTPRequest.Method(method)), url: server.url, body: body, operation: "x"))
        #expect(response.status == 200)
        #expect(seen.withLock { $0?.method } == method)
        #expect(seen.withLock { $0?.fields["content-length"] } == (method == "PUT" ? "0" : nil))
        await client.shutdown()
    }

    @Test func `one connection serves one request after the other`() async throws {
        let server = try RawServer.answering { connection, _, body in connection.answer(200, "\(body.count)") }
        defer { server.stop() }
        let client = try CurlClient()
        let file = try TemporaryFile(size: 100_000)
        for _ in 0..<20 {
            let response = try await client.perform(
                TransferRequest(method: .put, url: server.url, body: .file(file, 0..<100_000), operation: "put"))
            #expect(response.body == Array("100000".utf8))
        }
        #expect(server.connectionCount == 1)
        await client.shutdown()
    }

    /// The server closes without a word after each answer: libcurl finds out when it sends, and begins anew.
    @Test func `a kept connection that was closed meanwhile costs nothing`() async throws {
        let server = try RawServer { connection in
            guard let request = connection.readHead(), connection.readBody(of: request) != nil else { return }
            connection.answer(200, "ok")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let file = try TemporaryFile(size: 3 << 20)
        let sent = ByteCounter()
        for _ in 0..<5 {
            let response = try await client.perform(
                TransferRequest(
                    method: .put, url: server.url, body: .file(file, 0..<3 << 20), operation: "put", sent: sent))
            #expect(response.status == 200)
        }
        #expect(sent.value == 5 * 3 << 20)
        await client.shutdown()
    }

    @Test func `announcements before the answer and redirects are not mistaken for it`() async throws {
        let server = try RawServer.answering { connection, request, _ in
            connection.write("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            connection.answer(302, fields: ["Location": "http://127.0.0.1:1/"], "")
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await client.perform(TransferRequest(method: .get, url: server.url, operation: "get"))
        #expect(response.status == 302)
        #expect(response.fields.map(\.name.canonicalName).contains("link") == false)
        await client.shutdown()
    }

    @Test func `no more requests run at once than allowed, in all and to one host`() async throws {
        let events = Events()
        let busy = Mutex((now: 0, most: 0))
        let release = Blocker()
        let server = try RawServer.answering { connection, _, _ in
            busy.withLock { busy in
                busy.now += 1
                busy.most = max(busy.most, busy.now)
            }
            events.tell("came")
            release.wait()
            busy.withLock { $0.now -= 1 }
            connection.answer(200, "")
        }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(maximumConnections: 8, maximumConnectionsPerHost: 2))
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await client.perform(TransferRequest(method: .get, url: server.url, operation: "get")).status
                }
            }
            for _ in 0..<2 { _ = await events.next() }
            #expect(client.figures.connections == 2)
            for _ in 0..<6 {
                release.signal()
                _ = await events.next()
            }
            for _ in 0..<2 { release.signal() }
            for try await status in group { #expect(status == 200) }
        }
        #expect(busy.withLock(\.most) == 2)
        #expect(server.connectionCount == 2)
        await client.shutdown()
    }

    @Test func `figures count requests by their operation`() async throws {
        let server = try RawServer.answering { connection, request, _ in
            connection.answer(request.target == "/bad" ? 500 : 200, "")
        }
        defer { server.stop() }
        let client = try CurlClient()
        for path in ["/good", "/good", "/bad"] {
            _ = try await client.perform(TransferRequest(method: .get, url: server.url + path, operation: path))
        }
        #expect(client.figures.requests == ["/good": 2, "/bad": 1])
        #expect(client.figures.requestsFailed == ["/bad": 1])
        #expect(client.figures.connections == 0)
        await client.shutdown()
    }
}
