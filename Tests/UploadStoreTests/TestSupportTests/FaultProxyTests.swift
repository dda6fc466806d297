import Foundation
import TestSupport
import Testing

/// A server that keeps count: `PUT` answers 201, `GET /log` lists what was carried out ("PATH BYTES"),
/// any other `GET` answers with a chunked body.
private let origin = """
    import http.server, sys
    log = []
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_PUT(self):
            rest = size = int(self.headers["Content-Length"])
            while rest > 0:
                part = self.rfile.read(min(rest, 65536))
                if not part: return
                rest -= len(part)
            log.append(f"{self.path} {size}")
            self.send_response(201)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"there")
        def do_GET(self):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in ([l + "\\n" for l in log] if self.path == "/log" else ["abc", "defg"]):
                self.wfile.write(f"{len(part):x}\\r\\n{part}\\r\\n".encode())
            self.wfile.write(b"0\\r\\n\\r\\n")
        def log_message(self, *arguments): pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()
    """

@Suite("The fault proxy", .timeLimit(.minutes(1)))
final class FaultProxyTests {
    private let server: Process
    private let proxy: FaultProxy
    private let directory: TemporaryDirectory
    private let file: String

    init() throws {
        let (server, line) = try Command.start("python3", ["-c", origin], waitingForLine: true)
        self.server = server
        proxy = try FaultProxy(upstreamPort: try #require(Int(line)))
        directory = try TemporaryDirectory()
        file = directory.file("body")
        try Data(repeating: 1, count: 300_000).write(to: URL(fileURLWithPath: file))
    }

    deinit {
        proxy.stop()
        server.terminate()
        server.waitUntilExit()
    }

    /// - Returns: curl's exit status, and "STATUS CONNECTIONS" for each path.
    private func curl(_ arguments: String...) throws -> Command {
        try Command.run("curl", ["-s", "-H", "Expect:", "-m", "20"] + arguments)
    }

    private func put(_ path: String, _ more: String...) throws -> Command {
        try Command.run(
            "curl",
            ["-s", "-H", "Expect:", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}", "-T", file] + more + [
                url(path)
            ])
    }

    private func url(_ path: String) -> String { "http://127.0.0.1:\(proxy.port)\(path)" }
    private func serverLog() throws -> String {
        proxy.setRule(FaultRules.none)
        return try curl(url("/log")).output
    }

    @Test("passes requests and answers on, several on one connection")
    func passesOn() throws {
        let command = try curl(
            "-T", file, url("/a?session=1&index=2"), "-T", file, url("/b"), "-w", " %{num_connects} ")
        #expect(command.status == 0)
        #expect(command.output == "there 1 there 0 ")
        #expect(try curl(url("/x")).output == "abcdefg")
        #expect(try curl("-I", url("/x")).status == 0)
        #expect(try serverLog() == "/a?session=1&index=2 300000\n/b 300000\n")
        let first = try #require(proxy.records.first)
        #expect(first.method == "PUT")
        #expect(first.path == "/a")
        #expect(first.query == "session=1&index=2")
        #expect(first.bodyBytes == 300_000)
        #expect(first.outcome == .acknowledged)
        #expect(first.serverStatus == 201)
        #expect(first.head.contentLength == 300_000)
    }

    @Test("passes on what a client asks before it sends its body")
    func passesOnExpectations() throws {
        let command = try Command.run("curl", ["-s", "-H", "Expect: 100-continue", "-T", file, url("/a")])
        #expect(command.output == "there")
    }

    @Test("cuts a connection after so many bytes of the body", arguments: [0, 100_000, 1_000_000] as [Int64])
    func resets(after bytes: Int64) throws {
        proxy.setRule { _, _ in .reset(afterBodyBytes: bytes) }
        let command = try put("/a")
        #expect([55, 56].contains(command.status), "curl \(command.status)")
        let record = try #require(proxy.records.first)
        #expect(record.outcome == .reset)
        #expect(record.bodyBytes == min(bytes, 300_000))
        if bytes < 300_000 { #expect(try serverLog() == "") }
    }

    @Test("answers itself, with a time to come again")
    func injects() throws {
        proxy.setRule { _, ordinal in ordinal == 0 ? .answer(status: 503, retryAfterSeconds: 7) : .none }
        let refused = try curl("-i", "-T", file, url("/a"), "-T", file, url("/b"), "-w", "%{num_connects}\n")
        #expect(refused.output.contains("503 Injected"))
        #expect(refused.output.contains("Retry-After: 7"))
        #expect(refused.output.hasSuffix("there0\n"), "the connection lives on")
        #expect(try serverLog() == "/b 300000\n")
        #expect(proxy.records.first?.outcome == .injected(status: 503))
    }

    @Test("lets a request through and drops the answer")
    func drops() throws {
        proxy.setRule { _, _ in .dropAnswer }
        let command = try put("/a")
        #expect([52, 56].contains(command.status), "curl \(command.status)")
        #expect(try serverLog() == "/a 300000\n")
        let record = try #require(proxy.records.first)
        #expect(record.outcome == .reset)
        #expect(record.serverStatus == 201)
        #expect(!record.wasAcknowledged)
    }

    @Test(
        "delays an answer, stalls a request", arguments: [Fault.delay(.milliseconds(300)), .stall(.milliseconds(300))])
    func waits(fault: Fault) throws {
        proxy.setRule { _, _ in fault }
        let clock = ContinuousClock()
        var output = ""
        let time = try clock.measure { output = try put("/a").output }
        #expect(output == "201")
        #expect(time >= .milliseconds(300))
    }

    @Test("stalls longer than a client waits")
    func outwaits() throws {
        proxy.setRule { _, _ in .stall(.seconds(600)) }
        #expect(try put("/a", "-m", "0.3").status == 28)
    }

    @Test("holds bytes to a rate, of one request or of all", arguments: [true, false])
    func limits(isOfOneRequest: Bool) throws {
        if isOfOneRequest {
            proxy.setRule { _, _ in .rate(bytesPerSecond: 500_000) }
        } else {
            proxy.setRate(bytesPerSecond: 500_000)
        }
        var output = ""
        let time = try ContinuousClock().measure { output = try put("/a").output }
        #expect(output == "201")
        // 300,000 bytes, of which 25,000 may go at once.
        #expect(time > .milliseconds(500))
    }

    @Test("breaks the connection when the server is not there, or goes away")
    func isHonestAboutTheServer() throws {
        server.terminate()
        server.waitUntilExit()
        #expect(try put("/a").status != 0)
        #expect(proxy.records.first?.outcome == .broken)
    }

    @Test("ends at once when it is stopped, whatever it waits for")
    func stops() async throws {
        proxy.setRule { _, _ in .stall(.seconds(600)) }
        let (client, _) = try Command.start("curl", ["-s", "-T", file, url("/a")], waitingForLine: false)
        await proxy.requests(atLeast: 1)
        proxy.stop()
        client.waitUntilExit()
        #expect(client.terminationStatus != 0)
        #expect(proxy.records.count == 1)
    }

    @Test("draws the same faults from the same seed, about as many as it was told")
    func isRepeatable() {
        let head = RequestHead.sample
        func draw(_ seed: UInt64) -> [Fault] {
            let rule = FaultRules.random(seed: seed, probability: 0.2, faults: [.dropAnswer, .answer(status: 500)])
            return (0..<1000).map { rule(head, $0) }
        }
        #expect(draw(1) == draw(1))
        #expect(draw(1) != draw(2))
        #expect((150...250).contains(draw(1).filter { $0 != .none }.count))
        #expect(Set(draw(1)).count == 3)
    }
}

extension RequestHead {
    fileprivate static let sample = RequestHead(method: "PUT", path: "/", query: "", fields: [], contentLength: 0)
}
