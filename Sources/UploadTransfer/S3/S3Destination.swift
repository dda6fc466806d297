import HTTPTypes
package import UploadCore

/// A bucket of S3, or of a server that speaks it.
package final class S3Destination: Destination {
    private let endpoint: S3Endpoint
    package let limits: DestinationLimits

    /// - Parameters:
    ///   - client: shared with others; who made it ends it.
    ///   - credentials: asked for at each request; nil: there are none.
    package init(
        _ location: S3Location, client: CurlClient, credentials: @escaping @Sendable () -> S3Credentials?,
        options: S3Options = S3Options()
    ) {
        endpoint = S3Endpoint(location, client: client, credentials: credentials, options: options)
        limits = DestinationLimits(
            schedule: location.schedule, parallelChunks: options.parallelChunks, canReplaceChunk: true,
            namesAtFinish: false,
            maximumFileSize: location.schedule.range(of: 0..<S3Limits.mostParts).upperBound)
    }

    /// ListObjectsV2, of one key. That it may not be listed is an answer, too: many are allowed to write alone.
    package func probe() async throws(DestinationError) {
        let request = S3Request(
            method: .get, query: [("list-type", "2"), ("max-keys", "1"), ("prefix", endpoint.location.prefix)],
            operation: "probe")
        let response = try await endpoint.answer(request)
        guard response.isSuccess || S3Failures.report(response)?.code == "AccessDenied" else {
            throw S3Failures.error(response)
        }
    }

    /// PutObject.
    package func put(
        _ object: ObjectDescription, content: any SpoolFile, sent: ByteCounter, isCurrent: CurrencyCheck
    ) async throws(DestinationError) -> PublishReceipt {
        let (size, digest) = try await endpoint.lanes.lane().digest(of: content, size: object.size)
        guard try isCurrent() else { throw .cancelled }
        let key = endpoint.location.key(object.path)
        let request = S3Request(
            method: .put, key: key, fields: object.s3Fields, body: .file(content, 0..<size),
            payloadHash: Hex.text(digest), operation: "put", answerTime: endpoint.options.putAnswerTime, sent: sent)
        _ = try await endpoint.ask(request)
        return PublishReceipt(url: endpoint.location.url(key), size: size, digest: ContentDigest.text(digest))
    }

    /// CreateMultipartUpload.
    package func begin(_ object: ObjectDescription) async throws(DestinationError) -> any UploadSession {
        let key = endpoint.location.key(object.path)
        let request = S3Request(
            method: .post, key: key, query: [("uploads", "")], fields: object.s3Fields, body: .bytes([]),
            operation: "init")
        let root = try await endpoint.document(request, named: "InitiateMultipartUploadResult")
        guard let upload = root["UploadId"]?.text, !upload.isEmpty else {
            throw .malformed(detail: "a multipart upload was begun without an UploadId")
        }
        return S3Session(key: key, upload: upload, endpoint: endpoint)
    }

    package func leftBehind() async throws(DestinationError) -> [SessionToken]? { nil }

    package func resume(_ token: SessionToken, schedule: ChunkSchedule) -> any UploadSession {
        S3Session(token: token, endpoint: endpoint)
    }
}
