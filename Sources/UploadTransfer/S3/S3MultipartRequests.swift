import Crypto
import HTTPTypes
import UploadCore

/// Multipart uploads, whose parts come from here or from another object.
extension S3Endpoint {
    /// CreateMultipartUpload.
    /// - Returns: its UploadId.
    func beginUpload(
        _ key: String, _ fields: [(name: String, value: String)]
    ) async throws(DestinationError) -> String {
        var request = S3Request(
            method: .post, key: key, query: [("uploads", "")], fields: fields, body: .bytes([]), operation: "init")
        request.checksums = S3Checksums.announcement
        let root = try await document(request, named: "InitiateMultipartUploadResult")
        guard let upload = root["UploadId"]?.text, !upload.isEmpty else {
            throw .malformed(detail: "a multipart upload was begun without an UploadId")
        }
        return upload
    }

    /// CompleteMultipartUpload.
    /// - Returns: what it answers.
    func completeUpload(
        _ upload: String, _ key: String, _ list: S3PartList, _ condition: [(name: String, value: String)]
    ) async throws(DestinationError) -> S3Element {
        let body = Array(list.document.utf8)
        let request = S3Request(
            method: .post, key: key, query: [("uploadId", upload)],
            fields: [("content-type", "application/xml")] + list.fields + condition,
            body: .bytes(body), payloadHash: Hex.text(SHA256.hash(data: body)), operation: "finalize",
            answerTime: options.finishAnswerTime)
        return try await document(request, named: "CompleteMultipartUploadResult")
    }

    /// AbortMultipartUpload. One that is gone is no error.
    func abortUpload(_ upload: String, _ key: String) async throws(DestinationError) {
        let request = S3Request(method: .delete, key: key, query: [("uploadId", upload)], operation: "abort")
        let response = try await answer(request)
        // Who may not abort is told by nobody else, and is not to ask for ever: the bucket's own rules clean up.
        guard !response.isSuccess, S3Failures.report(response)?.code != "AccessDenied" else { return }
        let error = S3Failures.error(response)
        if error != .sessionLost { throw error }
    }
}
