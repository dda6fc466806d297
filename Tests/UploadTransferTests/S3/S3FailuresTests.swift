import HTTPTypes
import Testing
import UploadCore

@testable import UploadTransfer

@Suite("S3's errors as facts")
struct S3FailuresTests {
    private static func answer(_ status: Int, _ code: String?, _ more: String = "") -> TransferResponse {
        let document = code.map {
            "<?xml version=\"1.0\"?>\n<Error><Code>\($0)</Code><Message>m &amp; n</Message>\(more)</Error>"
        }
        return TransferResponse(
            status: status, fields: HTTPFields(named: ["Retry-After": "7"]), body: Array((document ?? "").utf8))
    }

    @Test(
        "each code has its meaning, and where there is none, its status",
        arguments: [
            (404, "NoSuchUpload", "sessionLost"), (400, "BadDigest", "damaged"), (400, "InvalidPart", "damaged"),
            (400, "XAmzContentSHA256Mismatch", "damaged"), (503, "SlowDown", "busy"), (400, "RequestTimeout", "busy"),
            (500, "InternalError", "busy"), (200, "InternalError", "busy"), (403, "AccessDenied", "forbidden"),
            (403, "SignatureDoesNotMatch", "unauthorized"), (400, "ExpiredToken", "unauthorized"),
            (404, "NoSuchBucket", "rejected"), (400, "EntityTooLarge", "rejected"),
            (412, "PreconditionFailed", "rejected"),
            (503, nil, "busy"), (403, nil, "unauthorized"), (404, nil, "rejected"), (501, nil, "rejected"),
        ] as [(Int, String?, String)])
    func table(status: Int, code: String?, meaning: String) {
        let error = S3Failures.error(Self.answer(status, code))
        #expect("\(error)".hasPrefix(meaning), "\(error)")
    }

    @Test("A server that wants parts of one size is told how to be given them")
    func equalParts() {
        let body =
            "<Error><Code>InvalidPart</Code><Message>All non-trailing parts must have the same length.</Message></Error>"
        let error = S3Failures.error(TransferResponse(status: 400, fields: [:], body: Array(body.utf8)))
        guard case .rejected(let rejection) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(rejection.detail.contains("part-size=64MiB"))
    }

    @Test("Retry-After is kept, and so are the server's words")
    func details() {
        #expect(S3Failures.error(Self.answer(503, "SlowDown")) == .busy(status: 503, retryAfter: .seconds(7)))
        guard case .rejected(let rejection) = S3Failures.error(Self.answer(400, "Whatever")) else {
            Issue.record("not rejected")
            return
        }
        #expect(rejection.detail == "Whatever: m & n")
        let report = S3Failures.report(Self.answer(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"))
        #expect(report?.region == "eu-west-1")
    }

    @Test("A document is read through its namespaces and the white space ahead of it; what is none is none")
    func documents() {
        let text = "  \n<a:R xmlns:a=\"x\"><a:Part><N>1</N></a:Part><a:Part><N>2</N></a:Part><E/></a:R>"
        let root = S3Document.parse(Array(text.utf8))
        #expect(root?.name == "R")
        #expect(root?.all("Part").map { $0["N"]?.text } == ["1", "2"])
        #expect(root?["E"]?.text.isEmpty == true && root?["X"] == nil)
        for text in ["", "   ", "no", "<a><b></a>"] { #expect(S3Document.parse(Array(text.utf8)) == nil) }
        #expect(S3Document.escaped("\"a&b\"<c>") == "&quot;a&amp;b&quot;&lt;c&gt;")
    }
}
