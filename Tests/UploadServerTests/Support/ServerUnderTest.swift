import Crypto
import Foundation
import Logging
import Synchronization
import TestSupport
import UploadCore

@testable import UploadServer

/// A wall clock that a test moves.
final class WallClock: Sendable {
    private let offset = Mutex(Duration.zero)

    func advance(by duration: Duration) { offset.withLock { $0 += duration } }

    var now: Timestamp {
        Timestamp(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e9)).advanced(by: offset.withLock { $0 })
    }
}

/// A real server on a real port and a real directory, both gone afterwards.
struct ServerUnderTest: Sendable {
    let server: UploadServer
    let port: Int
    let directory: String

    /// - Parameters:
    ///   - directory: to go on with; a new one when nil.
    ///   - adjust: changes the configuration before the server is made of it.
    static func run<Value: Sendable>(
        in directory: String? = nil, clock: WallClock = WallClock(),
        adjust: (inout UploadServerConfiguration) -> Void = { _ in },
        _ test: @Sendable (ServerUnderTest) async throws -> Value
    ) async throws -> Value {
        let temporary = try TemporaryDirectory()
        var configuration = UploadServerConfiguration(directory: directory ?? temporary.file("received"))
        adjust(&configuration)
        let server = try UploadServer(
            configuration: configuration, logger: .quiet, now: { clock.now })
        let running = Task { try await server.run() }
        let result: Result<Value, any Error>
        do {
            let port = try await server.boundPort()
            result = .success(
                try await test(ServerUnderTest(server: server, port: port, directory: configuration.directory)))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        _ = await running.result
        withExtendedLifetime(temporary) {}
        return try result.get()
    }

    func path(_ name: String) -> String { directory + "/" + name }

    func ask(
        _ method: String, _ target: String, _ headers: [String: String] = [:], _ body: [UInt8] = []
    ) async throws -> Answer {
        let connection = try RawConnection(port: port)
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        if !body.isEmpty || method == "PUT" || method == "POST", headers["Content-Length"] == nil {
            head += "Content-Length: \(body.count)\r\n"
        }
        for (name, value) in headers where value != "none" { head += "\(name): \(value)\r\n" }
        try await connection.send(Array((head + "\r\n").utf8) + body)
        return try await Answer(connection.receiveAll())
    }

    func post(_ target: String, _ value: some Encodable) async throws -> Answer {
        try await ask("POST", target, ["Content-Type": "application/json"], Array(JSONEncoder().encode(value)))
    }

    // MARK: The protocol as a client that does everything right

    func begin(_ name: String = "a.bin", chunkSize: Int64 = 8, type: String = "application/x-test") async throws
        -> NativeProtocol.InitResponse
    {
        let answer = try await post(
            "/upload/init",
            NativeProtocol.InitRequest(name: name, size: nil, contentType: type, chunkSize: chunkSize, metadata: [:]))
        return try answer.decode(NativeProtocol.InitResponse.self)
    }

    @discardableResult
    func chunk(_ session: String, _ index: Int, _ text: String) async throws -> Answer {
        let body = Array(text.utf8)
        return try await ask(
            "PUT", "/upload/chunk?session=\(session)&index=\(index)", ["Content-Digest": digest(body)], body)
    }

    func status(_ session: String) async throws -> NativeProtocol.StatusResponse {
        try await ask("GET", "/upload/status?session=\(session)").decode(NativeProtocol.StatusResponse.self)
    }

    func finalize(_ session: String, _ content: String) async throws -> Answer {
        try await finalize(session, "a.bin", content)
    }

    func finalize(
        _ session: String, _ name: String, _ content: String, metadata: [String: String]? = nil
    ) async throws -> Answer {
        let bytes = Array(content.utf8)
        return try await post(
            "/upload/finalize",
            NativeProtocol.FinalizeRequest(
                session: session, name: name, size: Int64(bytes.count), digest: digest(bytes), metadata: metadata))
    }

    func put(_ target: String, _ content: String, _ headers: [String: String] = [:]) async throws -> Answer {
        let bytes = Array(content.utf8)
        return try await ask(
            "PUT", target, ["Content-Digest": digest(bytes)].merging(headers) { _, given in given }, bytes)
    }
}

func digest(_ bytes: [UInt8]) -> String { ContentDigest(SHA256.hash(data: bytes)).field }
func digest(_ text: String) -> String { digest(Array(text.utf8)) }

extension Answer {
    /// What kind of problem it tells, checked against its status and its type.
    var problem: NativeProtocol.ProblemType? {
        guard headers["content-type"] == NativeProtocol.problemContentType,
            let problem = try? decode(NativeProtocol.Problem.self), problem.status == status
        else { return nil }
        return problem.knownType
    }
}

extension Logger {
    static var quiet: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}

func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
