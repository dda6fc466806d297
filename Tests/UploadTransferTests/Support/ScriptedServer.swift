import Synchronization

/// Answers each request as a test says, and remembers it.
final class ScriptedServer: Sendable {
    struct Seen: Sendable {
        let request: RawRequest
        let body: String

        /// For example "GET /path?a=b".
        var line: String { "\(request.method) \(request.target)" }
    }

    private final class Log: Sendable {
        let seen = Mutex<[Seen]>([])
    }

    private let log: Log
    private let server: RawServer

    init(_ answer: @escaping @Sendable (Seen) -> (status: Int, body: String)) throws {
        let log = Log()
        self.log = log
        server = try RawServer.answering { connection, request, body in
            let seen = Seen(request: request, body: String(decoding: body, as: UTF8.self))
            log.seen.withLock { $0.append(seen) }
            let (status, body) = answer(seen)
            connection.answer(status, body)
        }
    }

    var url: String { server.url }
    var host: String { "127.0.0.1:\(server.port)" }
    var seen: [Seen] { log.seen.withLock { $0 } }
    func stop() { server.stop() }
}
