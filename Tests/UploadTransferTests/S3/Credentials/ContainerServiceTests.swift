import Testing

@testable import UploadTransfer

@Suite("Credentials of a container", .timeLimit(.minutes(1)))
struct ContainerServiceTests {
    private static let keys =
        #"{"RoleArn":"r","AccessKeyId":"AK","SecretAccessKey":"SK","Token":"T","Expiration":"2026-01-01T01:00:00Z"}"#

    private func settings(_ server: ScriptedServer, _ more: [String: String] = [:]) -> CredentialSettings {
        CredentialBench.settings(
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/v1/credentials?id=1"].merging(more) { $1 })
    }

    @Test("are asked for with the token that is set, or that a file has")
    func fetches() async throws {
        let server = try ScriptedServer { _ in (200, Self.keys) }
        defer { server.stop() }
        let lease = try await CredentialBench.fetch(settings(server)).get()
        #expect(
            lease
                == CredentialLease(
                    credentials: S3Credentials(accessKey: "AK", secretKey: "SK", sessionToken: "T"),
                    end: CredentialBench.now + 3600))
        let token = ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic abc"]
        _ = try await CredentialBench.fetch(settings(server, token)).get()
        let file = ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/t"].merging(token) { $1 }
        _ = try await CredentialBench.fetch(settings(server, file), files: ["/t": "from-file\n"]).get()
        #expect(server.seen.map(\.line) == Array(repeating: "GET /v1/credentials?id=1", count: 3))
        #expect(server.seen.map { $0.request.fields["authorization"] } == [nil, "Basic abc", "from-file"])
        for files in [[:], ["/t": "two\nlines"]] {
            let failure = try await CredentialBench.fetch(settings(server, file), files: files).failure
            #expect(failure?.isConfiguration == true && failure?.sentence.contains("/t") == true)
        }
        let broken = ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nHost: evil"]
        #expect(try await CredentialBench.fetch(settings(server, broken)).failure?.isConfiguration == true)
        #expect(server.seen.count == 3)
    }

    @Test(
        "may be refused, or not be had now",
        arguments: [(403, "", false), (404, "{}", false), (500, "", true), (200, "{}", true), (200, "no", true)])
    func refusals(status: Int, body: String, isPassing: Bool) async throws {
        let server = try ScriptedServer { _ in (status, body) }
        defer { server.stop() }
        let failure = try await CredentialBench.fetch(settings(server)).failure
        #expect(failure?.isPassing == isPassing && failure?.isConfiguration != isPassing)
    }
}
