import Testing

@testable import UploadTransfer

@Suite("AWS Signature Version 4")
struct SignatureV4Tests {
    @Test("signs as AWS's own vectors say", arguments: SignatureVectors.all)
    func vectors(_ vector: SignatureVectors.Vector) {
        let signer = SignatureV4(
            credentials: S3Credentials(
                accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                sessionToken: vector.sessionToken),
            region: "us-east-1", service: "service", at: "20150830T123600Z")
        let subject = SignatureV4.Subject(
            method: vector.method, path: vector.path, query: vector.query.map { ($0[0], $0[1]) },
            fields: vector.fields.map { ($0[0], $0[1]) }, payloadHash: vector.payloadHash)
        #expect(
            signer.authorization(subject, at: "20150830T123600Z").hasSuffix(", Signature=\(vector.signature)"),
            "\(SignatureV4.canonicalRequest(subject))")
    }

    @Test("writes the time as X-Amz-Date has it")
    func dates() {
        #expect(SignatureV4.amzDate(1_440_938_160) == "20150830T123600Z")
        #expect(SignatureV4.amzDate(0) == "19700101T000000Z")
        #expect(SignatureV4.amzDate(4_102_444_799) == "20991231T235959Z")
    }

    @Test("A key that was derived is taken again on its day, for its region, with its credentials, and else not")
    func keys() {
        let credentials = S3Credentials(accessKey: "AK", secretKey: "SK", sessionToken: nil)
        let signer = SignatureV4(credentials: credentials, region: "r", at: "20260101T235959Z")
        #expect(signer.isOf(credentials, "r", at: "20260101T000000Z"))
        #expect(!signer.isOf(credentials, "r", at: "20260102T000000Z"))
        #expect(!signer.isOf(credentials, "s", at: "20260101T000000Z"))
        #expect(!signer.isOf(S3Credentials(accessKey: "AK", secretKey: "other"), "r", at: "20260101T000000Z"))
        #expect(!signer.isOf(S3Credentials(accessKey: "AK", secretKey: "SK", sessionToken: "T"), "r", at: "20260101T1"))
    }

    @Test(
        "Blanks at the ends of a value are not signed, and one for each row of them within",
        arguments: [
            ("a b", "a b"), (" a  b ", "a b"), ("a\tb\u{a0}c", "a b c"), ("", ""), ("  ", ""), ("ä  b", "ä b"),
            ("x\u{2003}", "x"),
        ])
    func blanks(_ value: String, _ signed: String) {
        let subject = SignatureV4.Subject(
            method: "GET", path: "/", fields: [("B", value), ("a", "1"), ("b", "2")], payloadHash: "h")
        #expect(SignatureV4.canonicalRequest(subject) == "GET\n/\n\na:1\nb:\(signed),2\n\na;b\nh")
    }

    @Test("never prints a secret")
    func secrets() {
        let credentials = S3Credentials(accessKey: "AK", secretKey: "hidden", sessionToken: "token")
        #expect("\(credentials)" == "credentials of AK")
        #expect("\([credentials])".contains("hidden") == false)
    }
}
