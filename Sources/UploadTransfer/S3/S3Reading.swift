import HTTPTypes
package import UploadCore

extension S3Destination {
    /// GetObject, a range of it.
    package func read(
        _ range: Range<Int64>, of object: ReadableObject
    ) async throws(DestinationError) -> ObjectPiece {
        let part = RangeAnswer(range: range, size: object.size)
        let key = endpoint.key(of: object)
        var request = S3Request(
            method: .get, key: key, fields: [("range", part.field)], operation: "read", answerLimit: part.limit)
        if let tag = object.held ?? object.tag.flatMap({ endpoint.mayBeTold($0) ? nil : $0 }) {
            request.fields.append(("if-match", "\"\(tag)\""))
        }
        let response = try await endpoint.answer(request)
        guard let bytes = try part.bytes(response) else {
            let error = S3Failures.error(response)
            // Where it may be listed, what is not there is NoSuchKey; some servers say no more than 404.
            let isGone = response.status == 404 && S3Failures.report(response)?.code != "NoSuchBucket"
            throw isGone ? .objectGone : error
        }
        guard let told = response.fields[.eTag].map(S3Endpoint.strong) else {
            throw .malformed(detail: "a part was answered without an ETag: it may be of any object")
        }
        let mark = HTTPField.Name(S3Mark.field).flatMap { response.fields[$0] }.map { S3Mark($0) }
        guard endpoint.isSame(told, mark, as: object, key) else { throw .objectChanged }
        return ObjectPiece(bytes: bytes, tag: told)
    }
}

extension S3Endpoint {
    /// Under which key an object was put. The receipt has it, since it may have got a name beside the one it has here.
    fileprivate func key(of object: ReadableObject) -> String {
        object.url.flatMap(location.key(ofURL:)) ?? location.key(object.path)
    }

    /// An ETag as receipts have it: nil for none, and for a weak one, which tells nothing.
    static func known(_ tag: String) -> String? { tag.isEmpty || tag.hasPrefix("W/") ? nil : tag }

    /// Without quotes; a weak one as if it were none.
    fileprivate static func strong(_ tag: String) -> String {
        unquoted(tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : tag)
    }

    /// Some servers tell of an object of parts another ETag later on than when it was put together: of its bytes, as of
    /// any other (rclone's). AWS itself does not.
    func mayBeTold(_ tag: String) -> Bool {
        location.endpoint != nil && tag.contains("-")
    }

    /// Whether the object that an answer is of is the one that was published.
    ///
    /// | of it is known | is the same when |
    /// | --- | --- |
    /// | what an earlier answer told | the ETag is that |
    /// | the ETag of its publication | the ETag is that; or that one was of parts, this one is not, and no other mount's mark is there |
    /// | nothing any more | no other mount's mark is there; with `--on-conflict`, ours is |
    fileprivate func isSame(_ tag: String, _ mark: S3Mark?, as object: ReadableObject, _ key: String) -> Bool {
        if let held = object.held { return tag == held }
        if tag == object.tag { return true }
        let own = S3Mark(origin: options.origin, key: key)
        let isOwn = mark.map { $0.isSameObject(as: own) }
        if let published = object.tag {
            return mayBeTold(published) && !tag.contains("-") && isOwn != false
        }
        return isOwn ?? (options.onConflict == .overwrite)
    }
}
