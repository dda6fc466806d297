import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

@Suite("Requests to S3 and their credentials", .timeLimit(.minutes(1)))
struct S3EndpointCredentialsTests {
    /// Gives one after the other, the next one when one was refused.
    private final class Source: S3CredentialSource {
        private let left: Mutex<[Result<S3Credentials, S3CredentialFailure>]>

        init(_ results: Result<S3Credentials, S3CredentialFailure>...) { left = Mutex(results) }

        func credentials() throws(S3CredentialFailure) -> S3Credentials {
            guard let result = left.withLock({ $0.first }) else { throw .configuration("none") }
            return try result.get()
        }

        func refused(_ credentials: S3Credentials) {
            left.withLock { if $0.count > 1 { $0.removeFirst() } }
        }
    }

    private static func keys(_ name: String) -> Result<S3Credentials, S3CredentialFailure> {
        .success(S3Credentials(accessKey: name, secretKey: "s", sessionToken: "token-\(name)"))
    }

    private static func error(_ code: String) -> String { "<Error><Code>\(code)</Code></Error>" }

    /// Probes a server that takes the keys "good" alone.
    private func probe(
        _ source: any S3CredentialSource, _ status: Int, _ code: String
    ) async throws -> (error: DestinationError?, keys: [String]) {
        let server = try ScriptedServer { seen in
            seen.request.fields["authorization"]?.contains("Credential=good/") == true
                ? (200, "<ListBucketResult/>") : (status, Self.error(code))
        }
        defer { server.stop() }
        let client = try CurlClient()
        let destination = S3Destination(
            try S3Location("s3://b?endpoint=\(server.url)"), client: client, credentials: source)
        let error = await failure { () async throws(DestinationError) in try await destination.probe() }
        await client.shutdown()
        return (error, server.seen.map { $0.request.fields["x-amz-security-token"] ?? "" })
    }

    @Test(
        "A request whose credentials are refused is made again, once, with others",
        arguments: [
            (403, "InvalidAccessKeyId"), (400, "ExpiredToken"), (400, "InvalidToken"), (403, "SignatureDoesNotMatch"),
            (401, "Unauthorized"),
        ])
    func again(status: Int, code: String) async throws {
        let good = try await probe(Source(Self.keys("old"), Self.keys("good")), status, code)
        #expect(good.error == nil && good.keys == ["token-old", "token-good"])
        let bad = try await probe(Source(Self.keys("old"), Self.keys("bad"), Self.keys("good")), status, code)
        #expect(bad.error == .unauthorized(status: status) && bad.keys == ["token-old", "token-bad"])
    }

    @Test("It is not made again with the same ones, nor when there are none, nor for another refusal")
    func notAgain() async throws {
        let same = try await probe(Source(Self.keys("old")), 403, "InvalidAccessKeyId")
        #expect(same.error == .unauthorized(status: 403) && same.keys.count == 1)
        let none = try await probe(
            Source(Self.keys("old"), .failure(.passing("no network"))), 403, "InvalidAccessKeyId")
        #expect(none.error == .unauthorized(status: 403) && none.keys.count == 1)
        let other = try await probe(Source(Self.keys("old"), Self.keys("good")), 404, "NoSuchBucket")
        #expect(other.keys.count == 1)
        let fixed = try await probe(
            FixedCredentials(S3Credentials(accessKey: "old", secretKey: "s")), 403, "InvalidAccessKeyId")
        #expect(fixed.error == .unauthorized(status: 403) && fixed.keys.count == 1)
    }

    @Test("Without credentials nothing is asked: and why there are none is told")
    func without() async throws {
        let rows: [(S3CredentialFailure, DestinationError)] = [
            (.configuration("set it"), .noCredentials(detail: "set it")),
            (.passing("no network"), .noCredentials(detail: "no network")), (.cancelled, .cancelled),
        ]
        for (failure, expected) in rows {
            let result = try await probe(Source(.failure(failure)), 200, "")
            #expect(result.error == expected && result.keys.isEmpty)
        }
    }
}
