import Crypto
import Glibc
import HTTPTypes
import UploadCore

/// A look at a bucket before the first file goes there: each request that a mount makes is made once, below a key of its
/// own, and what that leaves is taken away.
package struct S3Examination {
    private let endpoint: S3Endpoint
    /// Seconds that an unfinished upload is to be old before it is told of.
    private let age: Int
    private let path: UploadPath
    private let key: String
    private var findings = S3Findings()

    private static let content = Array("uploadfs doctor\n".utf8)
    /// As many unfinished uploads are told of.
    private static let mostUploads = 10_000

    /// - Parameters:
    ///   - options: what travels with objects.
    ///   - age: unfinished uploads that were begun before that are told of.
    package static func run(
        _ location: S3Location, client: CurlClient, credentials: any S3CredentialSource, options: S3Options,
        age: Duration
    ) async -> S3Findings {
        let endpoint = S3Endpoint(location, client: client, credentials: credentials, options: options)
        let name = ".uploadfs-doctor-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        guard let path = try? UploadPath(name) else { return S3Findings() }
        var examination = S3Examination(endpoint: endpoint, age: Int(age.components.seconds), path: path)
        await examination.run()
        return examination.findings
    }

    private init(endpoint: S3Endpoint, age: Int, path: UploadPath) {
        self.endpoint = endpoint
        self.age = age
        self.path = path
        key = endpoint.location.key(path)
    }

    private mutating func run() async {
        guard await reach() else { return }
        let isThere = await examineObject()
        await examineUploads()
        var keys = isThere ? [key] : []
        if isThere, await examineCopy() { keys.append(copyKey) }
        if findings.outcomes[.completeUpload] == .allowed { keys.append(partsKey) }
        for key in keys { await delete(key) }
        findings.checksums =
            switch endpoint.checksums.support {
            case .unknown: .untested
            case .kept: .kept
            case .ignored: .ignored
            case .refused: .refused
            }
        await listUnfinished()
    }

    private var partsKey: String { key + ".parts" }
    private var copyKey: String { key + ".copy" }

    // MARK: Asking

    private func request(
        _ method: HTTPRequest.Method, _ key: String?, query: [(name: String, value: String)] = [],
        fields: [(name: String, value: String)] = [], body: [UInt8]? = nil
    ) -> S3Request {
        var request = S3Request(method: method, key: key, query: query, fields: fields, operation: "doctor")
        request.isExplained = method != .head
        if let body {
            request.body = .bytes(body)
            request.payloadHash = Hex.text(SHA256.hash(data: body))
        }
        return request
    }

    /// Makes a request, and notes what became of it.
    /// - Parameter check: what is wrong with an answer that is a success; nil: nothing.
    /// - Returns: the answer, where it is what it should be.
    @discardableResult
    private mutating func ask(
        _ what: S3Ask, _ request: S3Request, _ check: (TransferResponse) -> String? = { _ in nil }
    ) async -> TransferResponse? {
        do throws(DestinationError) {
            let response = try await endpoint.answer(request)
            // CopyObject and CompleteMultipartUpload may say so late.
            let isRefusal = !response.isSuccess || S3Failures.report(response) != nil
            if isRefusal { throw S3Failures.error(response) }
            if let wrong = check(response) {
                findings.outcomes[what] = .failed(wrong)
                return nil
            }
            findings.outcomes[what] = .allowed
            return response
        } catch {
            findings.outcomes[what] = Self.outcome(error)
            return nil
        }
    }

    private static func outcome(_ error: DestinationError) -> S3Findings.Outcome {
        switch error {
        // The credentials themselves are good: and HEAD has no room for a reason.
        case .forbidden, .unauthorized: .denied
        default: .failed(FailureSentences.failure(for: error).reason)
        }
    }

    // MARK: What is asked

    /// ListObjectsV2: the first request, by which is told who is there.
    /// - Returns: false when nothing else can be asked.
    private mutating func reach() async -> Bool {
        let list = request(
            .get, nil, query: [("list-type", "2"), ("max-keys", "1"), ("prefix", endpoint.location.prefix)])
        do throws(DestinationError) {
            let response = try await endpoint.answer(list)
            findings.region = endpoint.region
            findings.isOtherRegion = endpoint.region != endpoint.location.region ?? S3Location.defaultRegion
            findings.ahead = response.fields[.date].flatMap(HTTPDate.seconds).map { $0 - time(nil) }
            if response.isSuccess {
                _ = try S3Endpoint.root(of: response, to: list, named: "ListBucketResult")
                findings.outcomes[.listObjects] = .allowed
                return true
            }
            guard S3Failures.report(response)?.code == "AccessDenied" else { throw S3Failures.error(response) }
            findings.outcomes[.listObjects] = .denied
            return true
        } catch {
            findings.obstacle = error
            return false
        }
    }

    /// - Returns: whether there is one now.
    private mutating func examineObject() async -> Bool {
        for what in [S3Ask.headObject, .getObject, .copyObject, .deleteObject] { findings.outcomes[what] = .untested }
        let object = ObjectDescription(
            path: path, size: Int64(Self.content.count), contentType: "text/plain",
            modified: Timestamp(seconds: Int64(time(nil))), mode: 0o600)
        let mark = S3Mark(origin: endpoint.options.origin, key: key)
        var put = request(.put, key, fields: object.s3Fields(endpoint.options, mark), body: Self.content)
        var sum = CRC64NVME()
        Self.content.withUnsafeBytes { sum.update($0) }
        put.checksums = [(S3Checksums.field, sum.text)]
        guard let response = await ask(.putObject, put) else { return false }
        do throws(DestinationError) {
            try endpoint.checksums.check(response, to: put, sum)
        } catch {
            findings.outcomes[.putObject] = Self.outcome(error)
        }
        await ask(.headObject, request(.head, key)) { response in
            response.fields[.contentLength] == "\(Self.content.count)"
                ? nil : "It tells another size than it was given."
        }
        await ask(.getObject, request(.get, key, fields: [("range", "bytes=9-14")])) { response in
            // Some say 200 (rclone's server), and give a part all the same.
            if response.body == Array(Self.content[9...14]) { return nil }
            return response.status == 200 ? "It takes no notice of a range." : "It gives other bytes than were put."
        }
        put.fields.append(("if-none-match", "*"))
        if let again = try? await endpoint.answer(put) {
            findings.conditions = again.isSuccess ? .ignored : S3Failures.isConditionRefused(again) ? .kept : .refused
        }
        return true
    }

    private mutating func examineUploads() async {
        for what in [S3Ask.uploadPart, .listParts, .completeUpload, .abortUpload] {
            findings.outcomes[what] = .untested
        }
        let list = request(.get, nil, query: [("uploads", ""), ("prefix", key)])
        guard let upload = await begin() else {
            await ask(.listUploads, list)
            return
        }
        let name = [(name: "uploadId", value: upload)]
        let part = await ask(
            .uploadPart, request(.put, partsKey, query: [("partNumber", "1")] + name, body: Self.content)
        ) { $0.fields[.eTag] == nil ? "It names no ETag." : nil }
        await ask(.listParts, request(.get, partsKey, query: name)) { response in
            part == nil || S3Document.parse(response.body)?["Part"] != nil
                ? nil : "It does not list a part that is there."
        }
        await ask(.listUploads, list) { response in
            let listed = S3Document.parse(response.body)?.all("Upload") ?? []
            return listed.contains { $0["UploadId"]?.text == upload } ? nil : "It does not list one that is there."
        }
        if let tag = part?.fields[.eTag] {
            let list =
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
                + "<ETag>\(S3Document.escaped(tag))</ETag></Part></CompleteMultipartUpload>"
            let complete = request(
                .post, partsKey, query: name, fields: [("content-type", "application/xml")], body: Array(list.utf8))
            await ask(.completeUpload, complete) {
                S3Document.parse($0.body)?.name == "Error" ? "It answers with an error." : nil
            }
        }
        // One that has become an object can't be aborted any more.
        guard findings.outcomes[.completeUpload] == .allowed else { return await abort(upload) }
        if let another = await begin() { await abort(another) }
    }

    private mutating func begin() async -> String? {
        let object = ObjectDescription(
            path: path, size: nil, contentType: "text/plain", modified: Timestamp(seconds: Int64(time(nil))),
            mode: 0o600)
        let mark = S3Mark(origin: endpoint.options.origin, key: partsKey)
        let begin = request(
            .post, partsKey, query: [("uploads", "")], fields: object.s3Fields(endpoint.options, mark), body: [])
        let response = await ask(.createUpload, begin) {
            S3Document.parse($0.body)?["UploadId"]?.text.isEmpty == false ? nil : "It names no UploadId."
        }
        return response.flatMap { S3Document.parse($0.body)?["UploadId"]?.text }
    }

    private mutating func abort(_ upload: String) async {
        let isGone = await ask(.abortUpload, request(.delete, partsKey, query: [("uploadId", upload)])) != nil
        if !isGone { findings.leftovers.append(.upload(key: partsKey, upload: upload)) }
    }

    /// - Returns: whether there is one.
    private mutating func examineCopy() async -> Bool {
        let copy = request(
            .put, copyKey, fields: [("x-amz-copy-source", endpoint.location.copySource(key))], body: [])
        return await ask(.copyObject, copy) != nil
    }

    private mutating func delete(_ key: String) async {
        // A right that one of them lacked.
        let before = findings.outcomes[.deleteObject]
        let isGone = await ask(.deleteObject, request(.delete, key)) != nil
        if !isGone { findings.leftovers.append(.object(key: key)) }
        if isGone, let before, before != .untested { findings.outcomes[.deleteObject] = before }
    }

    private mutating func listUnfinished() async {
        guard findings.outcomes[.listUploads] == .allowed else { return }
        do throws(DestinationError) {
            let list = try await endpoint.uploads(prefix: endpoint.location.prefix, limit: Self.mostUploads)
            let now = time(nil) + list.ahead
            findings.isCutShort = list.isCutShort
            findings.unfinished = list.uploads.filter { upload in
                // What the look has left itself is told of as that.
                !upload.key.utf8.starts(with: key.utf8) && upload.begun.map { now - $0 >= age } ?? true
            }.map { upload in
                S3Findings.Unfinished(
                    key: upload.key, upload: upload.upload, begun: upload.begun, age: upload.begun.map { now - $0 })
            }
        } catch {
            findings.outcomes[.listUploads] = Self.outcome(error)
        }
    }
}
