import HTTPTypes
package import UploadCore

extension NativeDestination {
    /// GET /files/NAME, a range of it. Every answer tells the digest of the whole: by that it is known to be of what was
    /// published, and by its ETag of what was read before.
    package func read(
        _ range: Range<Int64>, of object: ReadableObject
    ) async throws(DestinationError) -> ObjectPiece {
        let part = RangeAnswer(range: range, size: object.size)
        var fields: HTTPFields = [.range: part.field]
        if let held = object.held, !held.hasPrefix("W/") { fields[.ifMatch] = held }
        let response = try await endpoint.answer(
            TransferRequest(
                method: .get, url: endpoint.url("files/\(object.path.percentEncoded)"), fields: fields,
                operation: "read", answerLimit: part.limit))
        guard let bytes = try part.bytes(response) else {
            if response.status == 404 || response.status == 410 { throw .objectGone }
            throw NativeFailures.error(response)
        }
        let digest = HTTPField.Name("Repr-Digest").flatMap { response.fields[$0] }
        if let digest, let published = object.digest, digest != published { throw .objectChanged }
        guard let tag = response.fields[.eTag] ?? digest else {
            throw .malformed(detail: "a part was answered without an ETag: it may be of any file")
        }
        guard tag == object.held ?? tag else { throw .objectChanged }
        return ObjectPiece(bytes: bytes, tag: tag)
    }
}
