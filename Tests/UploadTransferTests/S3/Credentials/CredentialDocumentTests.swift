import Testing

@testable import UploadTransfer

@Suite("Credentials in JSON")
struct CredentialDocumentTests {
    @Test(
        "end at a time of ISO 8601",
        arguments: [
            ("2026-01-01T00:00:00Z", 1_767_225_600), ("2026-01-01T00:00:00UTC", 1_767_225_600),
            ("2026-01-01T00:00:00.123Z", 1_767_225_600), ("2026-01-01T01:30:00+01:30", 1_767_225_600),
            ("2025-12-31T22:00:00-0200", 1_767_225_600), ("2026-01-01T00:00:00", 1_767_225_600),
            ("2026-01-01", nil), ("2026-13-01T00:00:00Z", nil), ("2026-01-01T00:00:00X", nil), ("tomorrow", nil),
            ("2026-01-0aT00:00:00Z", nil), ("", nil),
        ] as [(String, Int?)])
    func times(text: String, expected: Int?) {
        #expect(CredentialDocument.seconds(text) == expected)
    }

    @Test("have two names for the token, and are none when something is missing")
    func documents() {
        func lease(_ text: String) -> CredentialLease? { CredentialDocument(Array(text.utf8))?.lease }
        let keys = S3Credentials(accessKey: "AK", secretKey: "SK", sessionToken: "T")
        for name in ["Token", "SessionToken"] {
            let text =
                #"{"AccessKeyId":"AK","SecretAccessKey":"SK","\#(name)":"T","Expiration":"2026-01-01T00:00:00Z"}"#
            #expect(lease(text) == CredentialLease(credentials: keys, end: CredentialBench.now))
        }
        let bare = lease(#"{"AccessKeyId":"AK","SecretAccessKey":"SK"}"#)
        #expect(bare == CredentialLease(credentials: S3Credentials(accessKey: "AK", secretKey: "SK"), end: nil))
        for text in [
            "", "no", "[]", "{}", #"{"AccessKeyId":"AK"}"#, #"{"AccessKeyId":"","SecretAccessKey":"SK"}"#,
            #"{"AccessKeyId":"AK","SecretAccessKey":"SK","Expiration":"soon"}"#, #"{"AccessKeyId":1}"#,
        ] { #expect(lease(text) == nil, "\(text)") }
    }
}
