import Foundation
import Synchronization
import Testing

@testable import UploadTransfer

@Suite("Credentials of who has signed in", .timeLimit(.minutes(1)))
struct SingleSignOnTests {
    private static let file = "/home/cache/640d87e741e6aa4c669a82a4cd304787960513ab.json"
    private static let token =
        #"{"startUrl":"u","region":"eu-west-1","accessToken":"secret-token","expiresAt":"2026-01-01T00:00:10Z"}"#
    private static let keys =
        #"{"roleCredentials":{"accessKeyId":"AK","secretAccessKey":"SK","sessionToken":"T","expiration":1767229200000}}"#

    private func settings(_ server: ScriptedServer) -> CredentialSettings {
        CredentialBench.settings(
            [
                "AWS_ENDPOINT_URL_SSO": server.url, "AWS_ENDPOINT_URL_SSO_OIDC": server.url, "AWS_PROFILE": "p",
            ],
            config: [
                "profile p": ["sso_session": "s1", "sso_account_id": "123", "sso_role_name": "R+1"],
                "sso-session s1": ["sso_region": "eu-west-1", "sso_start_url": "u"],
            ])
    }

    @Test("are asked for with the token that signing in has left")
    func fetches() async throws {
        let server = try ScriptedServer { _ in (200, Self.keys) }
        defer { server.stop() }
        let lease = try await CredentialBench.fetch(settings(server), files: [Self.file: Self.token]).get()
        #expect(
            lease
                == CredentialLease(
                    credentials: S3Credentials(accessKey: "AK", secretKey: "SK", sessionToken: "T"),
                    end: CredentialBench.now + 3600))
        #expect(server.seen.map(\.line) == ["GET /federation/credentials?role_name=R%2B1&account_id=123"])
        let fields = server.seen.first?.request.fields
        #expect(fields?["x-amz-sso_bearer_token"] == "secret-token" && fields?["authorization"] == nil)
    }

    @Test("are not there without it, or when it is over: the sentence says how to sign in")
    func signIn() async throws {
        let server = try ScriptedServer { _ in (401, #"{"message":"Session token not found or invalid"}"#) }
        defer { server.stop() }
        let old = Self.token.replacing("00:00:10Z", with: "00:00:00Z")
        for files in [[:], [Self.file: "{}"], [Self.file: old], [Self.file: Self.token]] {
            let failure = try await CredentialBench.fetch(settings(server), files: files).failure
            #expect(failure?.isConfiguration == true)
            #expect(failure?.sentence.contains("run aws sso login --profile p") == true)
            #expect(failure?.sentence.contains("secret-token") == false)
        }
        // Only with a good token anybody was asked.
        #expect(server.seen.count == 1)
    }

    private static let renewable =
        #"{"accessToken":"old-token","expiresAt":"2025-12-31T23:00:00Z","clientId":"CI","clientSecret":"CS","#
        + #""registrationExpiresAt":"2026-02-01T00:00:00Z","refreshToken":"RT","startUrl":"u"}"#
    private static let answer =
        #"{"accessToken":"new-token","expiresIn":3600,"refreshToken":"RT2","tokenType":"Bearer"}"#

    @Test("When the token is over it is renewed, and the file has the new one, with all else that was in it")
    func renews() async throws {
        let server = try ScriptedServer { $0.line == "POST /token" ? (200, Self.answer) : (200, Self.keys) }
        defer { server.stop() }
        let written = Mutex<String?>(nil)
        let lease = try await CredentialBench.fetch(
            settings(server), files: [Self.file: Self.renewable],
            replace: { path, bytes in
                written.withLock { $0 = path == Self.file ? String(decoding: bytes, as: UTF8.self) : nil }
                return true
            }
        ).get()
        #expect(lease.credentials.accessKey == "AK")
        #expect(server.seen.count == 2 && server.seen.last?.request.fields["x-amz-sso_bearer_token"] == "new-token")
        let asked = try #require(
            try JSONSerialization.jsonObject(with: Data((server.seen.first?.body ?? "").utf8)) as? [String: String])
        #expect(
            asked == ["clientId": "CI", "clientSecret": "CS", "grantType": "refresh_token", "refreshToken": "RT"])
        let file = try #require(
            try JSONSerialization.jsonObject(with: Data((written.withLock { $0 } ?? "").utf8)) as? [String: String])
        #expect(file["accessToken"] == "new-token" && file["refreshToken"] == "RT2" && file["startUrl"] == "u")
        #expect(file["expiresAt"].flatMap { CredentialDocument.seconds($0) } == CredentialBench.now + 3600)
        // A disk that takes nothing does not matter now.
        #expect(try await CredentialBench.fetch(settings(server), files: [Self.file: Self.renewable]).failure == nil)
    }

    @Test("One that can't be renewed any more says how to sign in; a service that can't now is asked again")
    func renewalRefused() async throws {
        let late = Self.renewable.replacing("2026-02-01", with: "2025-12-31")
        for (status, body, token, isPassing) in [
            (400, #"{"error":"invalid_grant"}"#, Self.renewable, false), (500, "", Self.renewable, true),
            (200, "{}", Self.renewable, true), (200, Self.answer, late, false),
        ] {
            let server = try ScriptedServer { _ in (status, body) }
            defer { server.stop() }
            let failure = try await CredentialBench.fetch(settings(server), files: [Self.file: token]).failure
            #expect(failure?.isPassing == isPassing, "\(status)")
            let sentence = failure?.sentence ?? ""
            #expect(isPassing || sentence.contains("run aws sso login --profile p"))
            #expect(!["RT", "CS", "old-token"].contains { sentence.contains($0) })
        }
    }

    @Test(
        "may be refused, or not be had now",
        arguments: [(403, "", false), (404, "", false), (429, "", true), (500, "", true), (200, "{}", true)])
    func refusals(status: Int, body: String, isPassing: Bool) async throws {
        let server = try ScriptedServer { _ in (status, body) }
        defer { server.stop() }
        let failure = try await CredentialBench.fetch(settings(server), files: [Self.file: Self.token]).failure
        #expect(failure?.isPassing == isPassing && failure?.isConfiguration != isPassing)
    }
}
