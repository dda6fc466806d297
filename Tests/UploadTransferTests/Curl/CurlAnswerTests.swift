import HTTPTypes
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// Bodies of answers of which so much is wanted, and no more.
@Suite(.timeLimit(.minutes(1)))
struct CurlAnswerTests {
    private func get(_ server: RawServer, _ client: CurlClient, limit: Int?) async throws(DestinationError)
        -> TransferResponse
    {
        try await client.perform(
            TransferRequest(method: .get, url: server.url, operation: "read", answerLimit: limit))
    }

    @Test func `an answer up to the request's own limit is whole, whatever the client's is`() async throws {
        let text = String(repeating: "0123456789", count: 500)
        let server = try RawServer.answering { connection, _, _ in connection.answer(206, text) }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(maximumAnswer: 100))
        for _ in 0..<2 {
            let response = try await get(server, client, limit: 5000)
            #expect(response.status == 206 && response.body == Array(text.utf8))
        }
        #expect(server.connectionCount == 1)
        await client.shutdown()
    }

    @Test func `of a longer one there is as much as was wanted, and the rest is not read`() async throws {
        let server = try RawServer { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 200 Word\r\nContent-Length: 1000000000\r\n\r\n")
            let piece = String(repeating: "x", count: 1 << 20)
            while connection.write(piece) {}
        }
        defer { server.stop() }
        let client = try CurlClient()
        let response = try await get(server, client, limit: 1000)
        #expect(response.status == 200 && response.body == Array(repeating: UInt8(ascii: "x"), count: 1000))
        let whole = await failure { () async throws(DestinationError) in try await get(server, client, limit: nil) }
        #expect(whole == .malformed(detail: "the answer is too long or not HTTP"))
        await client.shutdown()
    }

    @Test func `one that ends too early, or stands still, has failed`() async throws {
        let server = try RawServer { connection in
            guard connection.readHead() != nil else { return }
            connection.write("HTTP/1.1 206 Word\r\nContent-Length: 100\r\n\r\nhalf")
            guard connection.number > 0 else { return }
            _ = connection.skip(1)
        }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(stallTime: .milliseconds(300)))
        for expected in [DestinationError.broken(.truncated), .broken(.stalled)] {
            let error = await failure { () async throws(DestinationError) in try await get(server, client, limit: 100) }
            #expect(error == expected)
        }
        await client.shutdown()
    }
}
