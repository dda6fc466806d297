import HTTPTypes
package import UploadCore

/// A bucket of S3, or of a server that speaks it.
package final class S3Destination: Destination {
    let endpoint: S3Endpoint
    let conflicts: S3Conflicts
    package let limits: DestinationLimits

    /// - Parameters:
    ///   - client: shared with others; who made it ends it.
    ///   - credentials: asked for at each request.
    package init(
        _ location: S3Location, client: CurlClient, credentials: any S3CredentialSource,
        options: S3Options = S3Options()
    ) {
        endpoint = S3Endpoint(location, client: client, credentials: credentials, options: options)
        conflicts = S3Conflicts(endpoint)
        var limits = DestinationLimits(
            schedule: location.schedule, parallelChunks: options.parallelChunks, canReplaceChunk: true,
            namesAtFinish: false,
            maximumFileSize: location.schedule.range(of: 0..<S3Limits.mostParts).upperBound, canCopy: true,
            canDelete: true)
        limits.wantsIntentions = true
        limits.canRead = true
        limits.canList = true
        self.limits = limits
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
        let (size, digest) = try await endpoint.lanes.lane()
            .digest(of: content, size: object.size, checksum: endpoint.checksums.areSent)
        var wasRefused = false
        for _ in 0..<S3Conflicts.rounds {
            let key = conflicts.key(object.path)
            guard let condition = try await conflicts.condition(for: key, wasRefused: wasRefused) else {
                try conflicts.taken(object.path)
                wasRefused = false
                continue
            }
            guard try isCurrent() else { throw .cancelled }
            let mark = S3Mark(origin: endpoint.options.origin, key: key)
            var request = S3Request(
                method: .put, key: key, fields: object.s3Fields(endpoint.options, mark) + condition,
                body: .file(content, 0..<size), payloadHash: Hex.text(digest.sha256), operation: "put",
                answerTime: endpoint.options.putAnswerTime, sent: sent)
            if let crc = digest.crc64 { request.checksums = [(S3Checksums.field, crc.text)] }
            let began = ContinuousClock.now
            let response = try await endpoint.answer(request)
            if !condition.isEmpty, S3Failures.isConditionRefused(response) {
                // Somebody was quicker; or it was us, and the answer was lost.
                wasRefused = true
                continue
            }
            guard response.isSuccess else { throw S3Failures.error(response) }
            try endpoint.checksums.check(response, to: request, digest.crc64)
            let tag = response.fields[.eTag].map(S3Endpoint.unquoted)
            if let tag { conflicts.put(key, tag: tag) }
            guard try await conflicts.hasStayed(key, tag: tag, since: began) else {
                try conflicts.taken(object.path)
                continue
            }
            return PublishReceipt(
                url: endpoint.location.url(key), size: size, digest: ContentDigest.text(digest.sha256),
                tag: tag.flatMap(S3Endpoint.known))
        }
        throw .busy(status: 412, retryAfter: nil)
    }

    package func begin(_ object: ObjectDescription) async throws(DestinationError) -> any UploadSession {
        // Else it would be told at its end that all was in vain.
        var key = conflicts.key(object.path)
        for _ in 0..<S3Conflicts.rounds {
            guard try await conflicts.condition(for: key) == nil else { break }
            try conflicts.taken(object.path)
            key = conflicts.key(object.path)
        }
        let mark = S3Mark(
            origin: endpoint.options.origin, upload: String(UInt64.random(in: 0 ... .max), radix: 36), key: key)
        let upload = try await endpoint.beginUpload(key, object.s3Fields(endpoint.options, mark))
        return S3Session(
            key: key, upload: upload, mark: mark, stamp: S3Stamp(object), endpoint: endpoint, conflicts: conflicts)
    }

    /// A list of uploads does not say who began them (`S3Strays.swift`).
    package func leftBehind() async throws(DestinationError) -> [SessionToken]? { nil }

    package func resume(_ token: SessionToken, schedule: ChunkSchedule) -> any UploadSession {
        S3Session(token: token, endpoint: endpoint, conflicts: conflicts)
    }

    package var remark: String? {
        var sentences: [String] = []
        switch endpoint.checksums.support {
        case .unknown, .kept: break
        case .ignored, .refused:
            sentences.append(
                "The server keeps no checksums (CRC-64/NVME) with objects: each request's bytes are checked on their "
                    + "way, the objects at rest are not.")
        }
        if let remark = endpoint.restamping.remark { sentences.append(remark) }
        return sentences.isEmpty ? nil : sentences.joined(separator: " ")
    }
}
