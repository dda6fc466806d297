import Testing

@testable import UploadTransfer

@Suite("Credentials of an EC2 instance", .timeLimit(.minutes(1)))
struct InstanceServiceTests {
    private static let keys =
        #"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"AK","SecretAccessKey":"SK","Token":"T","#
        + #""Expiration":"2026-01-01T06:00:00Z"}"#
    private static let roles = "/latest/meta-data/iam/security-credentials/"

    private func settings(_ url: String) -> CredentialSettings {
        CredentialBench.settings(["AWS_EC2_METADATA_SERVICE_ENDPOINT": url])
    }

    @Test("are asked for with a token of their own: no token, no question")
    func fetches() async throws {
        let server = try ScriptedServer { seen in
            switch seen.line {
            case "PUT /latest/api/token": (200, "TOKEN")
            case "GET \(Self.roles)": (200, "role+1\n")
            case "GET \(Self.roles)role+1": (200, Self.keys)
            default: (404, "")
            }
        }
        defer { server.stop() }
        let lease = try await CredentialBench.fetch(settings(server.url)).get()
        #expect(
            lease
                == CredentialLease(
                    credentials: S3Credentials(accessKey: "AK", secretKey: "SK", sessionToken: "T"),
                    end: CredentialBench.now + 6 * 3600))
        let fields = server.seen.map(\.request.fields)
        #expect(fields.count == 3)
        #expect(fields[0]["x-aws-ec2-metadata-token-ttl-seconds"] == "21600")
        #expect(fields.dropFirst().allSatisfy { $0["x-aws-ec2-metadata-token"] == "TOKEN" })
    }

    @Test(
        "are none where there is no such service, no role, or no credentials of it; which says where else to put keys",
        arguments: [
            (403, 200, #"{}"#, false), (404, 200, "", false), (200, 404, "", false), (503, 200, "", true),
            (200, 500, "", true), (200, 200, #"{"Code":"AssumeRoleUnauthorizedAccess"}"#, false),
            (200, 200, "<html>", true),
        ])
    func refusals(token: Int, roles: Int, document: String, isPassing: Bool) async throws {
        let server = try ScriptedServer { seen in
            switch seen.line {
            case "PUT /latest/api/token": (token, "TOKEN")
            case "GET \(Self.roles)": (roles, "role")
            default: (200, document)
            }
        }
        defer { server.stop() }
        let failure = try #require(try await CredentialBench.fetch(settings(server.url)).failure)
        #expect(failure.isPassing == isPassing && failure.isConfiguration != isPassing, "\(failure)")
        #expect(isPassing || failure.sentence.contains("AWS_ACCESS_KEY_ID"))
        // Never the first version, which needs no token.
        if token != 200 { #expect(server.seen.count == 1) }
    }

    @Test("Where nobody answers there are no credentials, after two tries")
    func nobody() async throws {
        let server = try RawServer { $0.close() }
        defer { server.stop() }
        let failure = try await CredentialBench.fetch(settings(server.url)).failure
        #expect(failure?.isConfiguration == true && failure?.sentence.contains("no EC2 instance") == true)
        #expect(failure?.sentence.contains("AWS_ACCESS_KEY_ID") == true)
        #expect(server.connectionCount == 2)
    }
}
