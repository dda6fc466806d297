import Testing

@testable import UploadTransfer

@Suite("Credentials that a program prints")
struct CredentialProcessTests {
    private let settings = CredentialBench.settings(
        [:], config: ["default": ["credential_process": "tool --key 'secret word'"]])

    private func run(_ end: CredentialProcess.End) async throws -> Result<CredentialLease, S3CredentialFailure> {
        try await CredentialBench.fetch(settings) { words, limit in
            words == ["tool", "--key", "secret word"] && limit == .seconds(60) ? end : .timedOut
        }
    }

    @Test("are JSON of Version 1")
    func prints() async throws {
        let text = #"{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"SK"}"#
        let lease = try await run(.exited(code: 0, output: Array(text.utf8))).get()
        #expect(lease == CredentialLease(credentials: S3Credentials(accessKey: "AK", secretKey: "SK")))
    }

    private static func printed(_ text: String) -> CredentialProcess.End {
        .exited(code: 0, output: Array(text.utf8))
    }

    @Test(
        "or none: then neither what it printed nor how it was called is repeated",
        arguments: [
            (printed(""), "Version 1"),
            (printed(#"{"Version":2,"AccessKeyId":"AK","SecretAccessKey":"SK"}"#), "Version 1"),
            (printed(#"{"AccessKeyId":"AK","SecretAccessKey":"SK"}"#), "Version 1"),
            (.exited(code: 3, output: Array("secret output".utf8)), "code 3"),
            (.notStarted(reason: "No such file or directory"), "No such file"), (.timedOut, "60 s"),
        ] as [(CredentialProcess.End, String)])
    func fails(end: CredentialProcess.End, word: String) async throws {
        let failure = try #require(try await run(end).failure)
        #expect(failure.sentence.contains(word) && failure.sentence.contains("tool"))
        #expect(!failure.sentence.contains("secret") && !failure.sentence.contains("SK"))
        #expect(failure.isPassing == (end == .timedOut))
    }
}
