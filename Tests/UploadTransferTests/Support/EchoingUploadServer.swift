import FoundationEssentials
import Synchronization
import UploadCore

/// Answers as the native protocol says, believes every digest that it is told, and keeps nothing.
/// A test may put its own answer in the place of the next one.
final class EchoingUploadServer: Sendable {
    struct Seen: Sendable {
        let request: RawRequest
        let body: [UInt8]

        /// What it asked, for example "PUT /upload/chunk".
        var line: String { "\(request.method) \(request.target.prefix { $0 != "?" })" }

        func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try JSONDecoder().decode(type, from: Data(body))
        }
    }

    private typealias Answer = @Sendable (RawConnection, Seen) -> Void
    private let server: RawServer
    private let log: Log

    private final class Log: Sendable {
        let state = Mutex<(seen: [Seen], answers: [Answer])>(([], []))
    }

    init() throws {
        let log = Log()
        self.log = log
        server = try RawServer.answering { connection, request, body in
            let seen = Seen(request: request, body: body)
            let special = log.state.withLock { state in
                state.seen.append(seen)
                return state.answers.isEmpty ? nil : state.answers.removeFirst()
            }
            if let special { special(connection, seen) } else { Self.answer(connection, seen) }
        }
    }

    var url: String { server.url }
    var seen: [Seen] { log.state.withLock { $0.seen } }
    func stop() { server.stop() }

    /// The next request gets this answer.
    func next(_ answer: @escaping @Sendable (RawConnection, Seen) -> Void) {
        log.state.withLock { $0.answers.append(answer) }
    }

    func next(_ status: Int, fields: [String: String] = [:], _ body: String = "") {
        next { connection, _ in connection.answer(status, fields: fields, body) }
    }

    func next(problem: NativeProtocol.Problem) throws {
        let body = String(decoding: try JSONEncoder().encode(problem), as: UTF8.self)
        next(problem.status, fields: ["Content-Type": NativeProtocol.problemContentType], body)
    }

    private static func answer(_ connection: RawConnection, _ seen: Seen) {
        let json = try? JSONEncoder().encode(AnyEncodable(response(to: seen)))
        connection.answer(
            seen.line == "POST /upload/init" ? 201 : 200, fields: ["Content-Type": "application/json"],
            String(decoding: json ?? Data(), as: UTF8.self))
    }

    private static func response(to seen: Seen) throws -> any Encodable {
        let digest = seen.request.fields["content-digest"] ?? ""
        let size = Int64(seen.body.count)
        switch seen.line {
        case "GET /upload/limits":
            return NativeProtocol.LimitsResponse(chunkSize: 1 << 20, maxFileSize: 100_000_000, allowedTypes: [])
        case "POST /upload/init":
            let request = try seen.json(NativeProtocol.InitRequest.self)
            return NativeProtocol.InitResponse(
                session: "s 1&2", chunkSize: request.chunkSize, maxFileSize: 5_000, expiresAt: "2026-01-01T00:00:00Z")
        case "PUT /upload/chunk":
            let index = seen.request.target.split(separator: "index=").last.flatMap { Int($0) }
            return NativeProtocol.ChunkEntry(index: index ?? -1, size: size, digest: digest)
        case "GET /upload/status":
            return NativeProtocol.StatusResponse(
                session: "s", chunkSize: 1, expiresAt: "2026-01-01T00:00:00Z",
                chunks: [NativeProtocol.ChunkEntry(index: 4, size: 7, digest: "d")])
        case "POST /upload/finalize":
            let request = try seen.json(NativeProtocol.FinalizeRequest.self)
            return NativeProtocol.FinalizeResponse(url: "http://u/f", size: request.size, digest: request.digest ?? "")
        default:
            return NativeProtocol.FinalizeResponse(url: "http://u/p", size: size, digest: digest)
        }
    }
}

/// JSONEncoder wants a concrete type.
private struct AnyEncodable: Encodable {
    let value: any Encodable
    init(_ value: any Encodable) { self.value = value }
    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
