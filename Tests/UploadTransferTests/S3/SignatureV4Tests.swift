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
            region: "us-east-1", service: "service")
        let subject = SignatureV4.Subject(
            method: vector.method, path: vector.path, query: vector.query.map { ($0[0], $0[1]) },
            fields: vector.fields.map { ($0[0], $0[1]) }, payloadHash: vector.payloadHash)
        #expect(
            signer.signature(subject, at: "20150830T123600Z") == vector.signature,
            "\(SignatureV4.canonicalRequest(subject))")
    }

    @Test("writes the time as X-Amz-Date has it")
    func dates() {
        #expect(SignatureV4.amzDate(1_440_938_160) == "20150830T123600Z")
        #expect(SignatureV4.amzDate(0) == "19700101T000000Z")
        #expect(SignatureV4.amzDate(4_102_444_799) == "20991231T235959Z")
    }

    @Test("never prints a secret")
    func secrets() {
        let credentials = S3Credentials(accessKey: "AK", secretKey: "hidden", sessionToken: "token")
        #expect("\(credentials)" == "credentials of AK")
        #expect("\([credentials])".contains("hidden") == false)
    }
}
