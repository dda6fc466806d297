import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// Reading what was published, from a server of the native protocol.
@Suite(.timeLimit(.minutes(1)))
struct NativeReadingTests {
    private func object(held: String? = nil) throws -> ReadableObject {
        var object = ReadableObject(
            version: VersionID(1), path: try UploadPath("photos/a b.png"), size: 10, digest: "sha-256=:d:")
        object.held = held
        return object
    }

    private func with(_ body: (NativeDestination, EchoingUploadServer) async throws -> Void) async throws {
        let server = try EchoingUploadServer()
        defer { server.stop() }
        let client = try CurlClient()
        try await body(
            NativeDestination(baseURL: server.url, client: client, credentials: { "secret" }), server)
        await client.shutdown()
    }

    private func error(
        _ destination: NativeDestination, _ object: ReadableObject
    ) async -> DestinationError? {
        await failure { () async throws(DestinationError) in _ = try await destination.read(2..<5, of: object) }
    }

    private static let part = ["Content-Range": "bytes 2-4/10", "ETag": "\"t\"", "Repr-Digest": "sha-256=:d:"]

    @Test func `a range is asked for with the token, and told with its ETag`() async throws {
        try await with { destination, server in
            #expect(destination.limits.canRead)
            server.next(206, fields: Self.part, "abc")
            let piece = try await destination.read(2..<5, of: object())
            #expect(piece == ObjectPiece(bytes: Array("abc".utf8), tag: "\"t\""))
            let request = try #require(server.seen.last).request
            #expect(request.method == "GET" && request.target == "/files/photos/a%20b.png")
            #expect(request.fields["range"] == "bytes=2-4" && request.fields["authorization"] == "Bearer secret")
            #expect(request.fields["if-match"] == nil)
            server.next(206, fields: Self.part, "abc")
            _ = try await destination.read(2..<5, of: object(held: "\"t\""))
            #expect(server.seen.last?.request.fields["if-match"] == "\"t\"")
        }
    }

    @Test func `bytes of anything else are none`() async throws {
        try await with { destination, server in
            let (object, held) = (try object(), try object(held: "\"t\""))
            server.next(206, fields: Self.part.merging(["Repr-Digest": "sha-256=:e:"]) { $1 }, "abc")
            #expect(await error(destination, object) == .objectChanged)
            server.next(206, fields: Self.part.merging(["ETag": "\"u\""]) { $1 }, "abc")
            #expect(await error(destination, held) == .objectChanged)
            server.next(206, fields: Self.part.merging(["Content-Range": "bytes 2-4/11"]) { $1 }, "abc")
            #expect(await error(destination, object) == .objectChanged)
            server.next(412)
            #expect(await error(destination, object) == .objectChanged)
            server.next(206, fields: ["Content-Range": "bytes 2-4/10"], "abc")
            guard case .malformed? = await error(destination, object) else {
                Issue.record("bytes of nobody knows what")
                return
            }
        }
    }

    @Test func `what is gone, what is not for us and what is not now are told apart`() async throws {
        try await with { destination, server in
            let object = try object()
            for (status, expected) in [
                (404, DestinationError.objectGone), (410, .objectGone), (401, .unauthorized(status: 401)),
                (503, .busy(status: 503, retryAfter: nil)),
            ] as [(Int, DestinationError)] {
                server.next(status)
                #expect(await error(destination, object) == expected)
            }
        }
    }

    @Test func `a server that gives files as a whole gives what they begin with`() async throws {
        try await with { destination, server in
            let object = try object()
            let fields = ["ETag": "\"t\""]
            server.next(200, fields: fields, "0123456789")
            let piece = try await destination.read(0..<3, of: object)
            #expect(piece.bytes == Array("012".utf8))
            server.next(200, fields: fields, "0123456789")
            guard case .rejected(let rejection)? = await error(destination, object) else {
                Issue.record("a part in the middle")
                return
            }
            #expect(rejection.cause == .other)
        }
    }
}
