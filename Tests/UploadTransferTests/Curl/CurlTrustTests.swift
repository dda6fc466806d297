import Foundation
import Glibc
import HTTPTypes
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

private let openssl = "/usr/bin/openssl"

/// TLS is verified: a server that anybody could have put there gets no byte of a file.
@Suite(.timeLimit(.minutes(1)))
struct CurlTrustTests {
    /// A server for TLS with a certificate of its own making.
    private func withServer(_ body: (_ url: String, _ certificate: String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "uploadfs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let (key, certificate) = (directory.appending(path: "key").path, directory.appending(path: "cert").path)
        let (making, _) = try run([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "1",
            "-subj", "/CN=uploadfs test", "-addext", "subjectAltName=IP:127.0.0.1",
        ])
        making.waitUntilExit()
        let (server, output) = try run([
            "s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", certificate, "-www",
        ])
        defer {
            // Not SIGTERM: a child of one of Dispatch's threads inherits their signal mask, which blocks it.
            kill(server.processIdentifier, SIGKILL)
            server.waitUntilExit()
        }
        // "ACCEPT 127.0.0.1:40123" as soon as it listens.
        var said = ""
        while !said.contains("\n") || !said.contains("ACCEPT") {
            let more = output.availableData
            try #require(!more.isEmpty, "openssl ended: \(said)")
            said += String(decoding: more, as: UTF8.self)
        }
        let address = try #require(said.split(separator: "ACCEPT ").last?.split(separator: "\n").first)
        try await body("https://\(address)/", certificate)
    }

    private func run(_ arguments: [String]) throws -> (Process, FileHandle) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: openssl)
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return (process, output.fileHandleForReading)
    }

    @Test func `a certificate that nobody vouches for is refused, and trusted when we are told to`() async throws {
        try await withServer { url, certificate in
            let request = TransferRequest(method: .get, url: url, operation: "get")
            let client = try CurlClient()
            let error = await failure { () async throws(DestinationError) in try await client.perform(request) }
            guard case .unreachable(.untrusted(let detail)) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(detail.contains("certificate"))
            await client.shutdown()

            let informed = try CurlClient(options: CurlOptions(certificateAuthorities: certificate))
            #expect(try await informed.perform(request).status == 200)
            await informed.shutdown()

            let misled = try CurlClient(options: CurlOptions(certificateAuthorities: "/nonexistent.pem"))
            let missing = await failure { () async throws(DestinationError) in try await misled.perform(request) }
            guard case .unreachable(.untrusted) = missing else {
                Issue.record("\(String(describing: missing))")
                return
            }
            await misled.shutdown()
        }
    }
}
