import Testing
import UploadCore

@testable import UploadTransfer

@Suite("Roles", .timeLimit(.minutes(1)))
struct SecurityTokenServiceTests {
    private static func answer(_ action: String, key: String = "RK") -> String {
        """
        <\(action)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><\(action)Result>
        <AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser>
        <Credentials><AccessKeyId>\(key)</AccessKeyId><SecretAccessKey>RS</SecretAccessKey>
        <SessionToken>RT</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials>
        </\(action)Result></\(action)Response>
        """
    }

    private static func error(_ code: String, _ message: String) -> String {
        "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error>"
            + "</ErrorResponse>"
    }

    private func settings(_ server: ScriptedServer) -> CredentialSettings {
        CredentialBench.settings(
            ["AWS_ENDPOINT_URL_STS": server.url, "AWS_PROFILE": "p", "AWS_REGION": "eu-west-1"],
            credentials: [
                "base": ["aws_access_key_id": "AK", "aws_secret_access_key": "SK", "aws_session_token": "T"]
            ],
            config: [
                "profile p": [
                    "role_arn": "arn:aws:iam::1:role/r+x", "source_profile": "base", "external_id": "e&1",
                    "role_session_name": "me", "duration_seconds": "900",
                ]
            ])
    }

    private func form(_ body: String) -> [String: String] {
        var form: [String: String] = [:]
        for pair in body.split(separator: "&") {
            let words = pair.split(separator: "=", maxSplits: 1)
            form[String(words[0])] = words.count > 1 ? PercentEncoding.decode(words[1]) : ""
        }
        return form
    }

    @Test("A role is taken with a signed request, and its credentials end when the answer says")
    func assumes() async throws {
        let server = try ScriptedServer { _ in (200, Self.answer("AssumeRole")) }
        defer { server.stop() }
        let lease = try await CredentialBench.fetch(settings(server)).get()
        #expect(
            lease
                == CredentialLease(
                    credentials: S3Credentials(accessKey: "RK", secretKey: "RS", sessionToken: "RT"),
                    end: CredentialBench.now + 3600))
        let seen = try #require(server.seen.first)
        #expect(seen.line == "POST /" && server.seen.count == 1)
        #expect(
            form(seen.body) == [
                "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/r+x",
                "RoleSessionName": "me", "DurationSeconds": "900", "ExternalId": "e&1",
            ])
        let fields = seen.request.fields
        #expect(fields["content-type"] == "application/x-www-form-urlencoded; charset=utf-8")
        #expect(fields["x-amz-date"] == "20260101T000000Z" && fields["x-amz-security-token"] == "T")
        // As the other end would: of what has arrived.
        let names = ["content-type", "host", "x-amz-date", "x-amz-security-token"]
        let signature = SignatureV4(
            credentials: S3Credentials(accessKey: "AK", secretKey: "SK", sessionToken: "T"), region: "eu-west-1",
            service: "sts", at: "20260101T000000Z")
        let subject = SignatureV4.Subject(
            method: "POST", path: "/", fields: names.map { ($0, fields[$0] ?? "") },
            payloadHash: SHA256Text.of(seen.body))
        #expect(fields["authorization"] == signature.authorization(subject, at: "20260101T000000Z"))
        #expect(fields["authorization"]?.contains("Credential=AK/20260101/eu-west-1/sts/aws4_request") == true)
    }

    @Test("A role that is taken with a role asks twice, with what the first has given")
    func chains() async throws {
        let server = try ScriptedServer { seen in
            (200, Self.answer("AssumeRole", key: seen.body.contains("arn%3Ab") ? "BK" : "AK"))
        }
        defer { server.stop() }
        let settings = CredentialBench.settings(
            ["AWS_ENDPOINT_URL_STS": server.url],
            credentials: ["c": ["aws_access_key_id": "CK", "aws_secret_access_key": "SK"]],
            config: [
                "default": ["role_arn": "arn:a", "source_profile": "b"],
                "profile b": ["role_arn": "arn:b", "source_profile": "c"],
            ])
        let lease = try await CredentialBench.fetch(settings).get()
        #expect(lease.credentials.accessKey == "AK")
        let by = server.seen.map { $0.request.fields["authorization"] ?? "" }
        #expect(by.count == 2 && by[0].contains("Credential=CK/") && by[1].contains("Credential=BK/"))
        #expect(form(server.seen[0].body)["RoleSessionName"] == "uploadfs-\(CredentialBench.now)")
    }

    @Test("A web identity is shown, and not signed for; its file is read without its last line's end")
    func webIdentity() async throws {
        let server = try ScriptedServer { _ in (200, Self.answer("AssumeRoleWithWebIdentity")) }
        defer { server.stop() }
        let settings = CredentialBench.settings([
            "AWS_ENDPOINT_URL_STS": server.url, "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:r",
            "AWS_ROLE_SESSION_NAME": "pod",
        ])
        let lease = try await CredentialBench.fetch(settings, files: ["/token": "a.b-c\n"]).get()
        #expect(lease.credentials.accessKey == "RK")
        let seen = try #require(server.seen.first)
        #expect(seen.request.fields["authorization"] == nil)
        #expect(
            form(seen.body) == [
                "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": "arn:r",
                "RoleSessionName": "pod", "WebIdentityToken": "a.b-c",
            ])
        let missing = try await CredentialBench.fetch(settings).failure
        #expect(missing?.isConfiguration == true && missing?.sentence.contains("/token") == true)
        #expect(server.seen.count == 1)
    }

    @Test(
        "A refusal stays until somebody mends it; what is busy is asked again",
        arguments: [
            (403, error("AccessDenied", "User: u is not authorized"), false),
            (400, error("Throttling", "Rate exceeded"), true), (503, "", true), (404, "<html/>", false),
            (200, "<html></html>", true), (200, "", true),
            (200, answer("AssumeRole").replacing("SecretAccessKey", with: "X"), true),
        ])
    func refusals(status: Int, body: String, isPassing: Bool) async throws {
        let server = try ScriptedServer { _ in (status, body) }
        defer { server.stop() }
        let failure = try #require(try await CredentialBench.fetch(settings(server)).failure)
        #expect(failure.isPassing == isPassing && failure.isConfiguration != isPassing, "\(failure)")
        if status == 403 { #expect(failure.sentence.contains("AccessDenied: User: u is not authorized")) }
    }

    @Test("Of what a refusal says, nothing is repeated that may show a token")
    func secrets() async throws {
        let server = try ScriptedServer { _ in
            (403, Self.error("SignatureDoesNotMatch", "It does not match.\n\nThe Canonical String:\nx-amz-token:T"))
        }
        defer { server.stop() }
        let failure = try #require(try await CredentialBench.fetch(settings(server)).failure)
        #expect(failure.sentence.contains("It does not match.") && !failure.sentence.contains("Canonical"))
    }

    @Test("Who does not answer may do so later")
    func unreachable() async throws {
        let server = try ScriptedServer { _ in (200, "") }
        server.stop()
        let failure = try await CredentialBench.fetch(settings(server)).failure
        #expect(failure?.isPassing == true, "\(String(describing: failure))")
    }
}
