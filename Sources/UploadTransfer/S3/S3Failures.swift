import Glibc
import HTTPTypes
import UploadCore

/// The one table from S3's error codes ("Error responses", Amazon S3 API reference) to the facts the engine decides
/// upon. What other servers answer without a code, or with one of their own, is judged by its status.
enum S3Failures {
    /// An answer's error document, as far as it is used.
    struct Report: Sendable, Hashable {
        let code: String
        let message: String
        /// Where the bucket lies, if it says that.
        let region: String?
    }

    static func report(_ response: TransferResponse) -> Report? {
        guard let root = S3Document.parse(response.body), root.name == "Error", let code = root["Code"]?.text else {
            return nil
        }
        return Report(code: code, message: root["Message"]?.text ?? "", region: root["Region"]?.text)
    }

    /// - Parameter response: any but a success; or one whose body is an error document, as CompleteMultipartUpload's
    ///   may be.
    static func error(_ response: TransferResponse) -> DestinationError {
        let report = report(response)
        let words = words(response, report)
        switch (response.status, report?.code) {
        case (_, "NoSuchUpload"): return .sessionLost
        // Cloudflare's R2, and its like: "All non-trailing parts must have the same length."
        case (400, "InvalidPart") where report?.message.contains("same length") == true:
            return rejected(
                response, .other,
                "it wants parts of one size: mount with &part-size=64MiB (or another) in the destination")
        case (_, "BadDigest"), (_, "XAmzContentSHA256Mismatch"), (_, "IncompleteBody"), (_, "InvalidDigest"),
            (_, "XAmzContentChecksumMismatch"),
            // A part is not the one whose ETag we have: a late request has replaced it, or it is gone.
            (_, "InvalidPart"), (_, "InvalidPartOrder"):
            return .damaged
        case (_, "EntityTooLarge"): return rejected(response, .tooLarge(limit: nil), words)
        case (_, "KeyTooLongError"), (_, "InvalidURI"): return rejected(response, .nameRefused, words)
        // An If-Match, and nothing to match.
        case (_, "PreconditionFailed"), (404, "NoSuchKey"): return rejected(response, .conflict, words)
        case (_, "SlowDown"), (_, "RequestTimeout"), (_, "InternalError"), (_, "ServiceUnavailable"),
            (_, "OperationAborted"), (_, "ConditionalRequestConflict"), (_, "RequestTimeTooSkewed"),
            (_, "ThrottlingException"), (_, "TooManyRequests"):
            return busy(response)
        case (_, "NoSuchBucket"), (_, "InvalidBucketName"), (_, "PermanentRedirect"), (_, "EntityTooSmall"):
            return rejected(response, .other, words)
        case (403, "AccessDenied"?): return .forbidden(status: 403, detail: words)
        case (401, _), (403, _), (_, "ExpiredToken"), (_, "InvalidToken"), (_, "InvalidAccessKeyId"):
            return .unauthorized(status: response.status)
        case (200..<300, _?): return busy(response)
        case (413, _): return rejected(response, .tooLarge(limit: nil), words)
        case (409, _), (412, _): return rejected(response, .conflict, words)
        // 501 and 505: it will never learn it.
        case (408, _), (425, _), (429, _), (500, _), (502...504, _), (506...599, _): return busy(response)
        default: return rejected(response, .other, words)
        }
    }

    /// If-Match or If-None-Match did not hold: 412, or 404 where there is nothing to match.
    static func isConditionRefused(_ response: TransferResponse) -> Bool {
        response.status == 412 || response.status == 404 && report(response)?.code == "NoSuchKey"
    }

    private static func busy(_ response: TransferResponse) -> DestinationError {
        .busy(status: response.status, retryAfter: RetryAfter.delay(response.fields, now: time(nil)))
    }

    private static func rejected(
        _ response: TransferResponse, _ cause: Rejection.Cause, _ words: String
    ) -> DestinationError {
        .rejected(Rejection(status: response.status, cause: cause, detail: words))
    }

    /// What to show to a person.
    private static func words(_ response: TransferResponse, _ report: Report?) -> String {
        switch report?.code {
        case "NoSuchBucket"?: return "there is no such bucket: make it, or correct the destination"
        case "PermanentRedirect"?:
            return "the bucket is in another region: name it in the destination (?region=…)"
        case let code?: return report?.message.isEmpty == false ? "\(code): \(report?.message ?? "")" : code
        case nil: break
        }
        if let place = response.fields[.location] { return "it redirects to \(place), which is not followed" }
        return "HTTP status \(response.status)"
    }
}
