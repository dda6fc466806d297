import HTTPTypes
import Hummingbird
import UploadCore

extension UploadRoutes {
    /// PUT /files/NAME: a whole file in one request.
    func putFile(_ path: UploadPath, _ request: Request) async throws(Refusal) -> Response {
        let length = try contentLength(request)
        try admit(size: length)
        let digest = try contentDigest(request)
        if let field = request.headers[.reprDigest], try self.digest(field, "Repr-Digest") != digest {
            throw .store(.digestMismatch)
        }
        let type = request.headers[.contentType] ?? ContentType.unknown
        try admit(type: type)
        guard
            let metadata = ObjectMetadata(
                mtime: request.headers[.uploadModified], mode: request.headers[.uploadMode],
                order: request.headers[.uploadOrder])
        else {
            throw .malformed(
                "X-Upload-Mtime is seconds since 1970 with a fraction, X-Upload-Mode is octal, X-Upload-Order is RUN/NUMBER."
            )
        }

        let isReplaced = try await stored { () async throws(StoreError) in
            let incoming = try IncomingFile(in: store.directory.incoming)
            do throws(StoreError) {
                try await incoming.receive(request.body, length: length, digest: digest)
                let content = Publisher.Content(
                    file: incoming.file, directory: incoming.directory, name: incoming.name, size: length,
                    digest: digest, contentType: type, metadata: metadata)
                return try await store.calls.run { () throws(StoreError) in
                    try store.publisher.publish(content, as: path)
                }
            } catch {
                incoming.discard()
                throw error
            }
        }
        return try Answers.json(
            receipt(path, size: length, digest: digest), status: isReplaced ? .ok : .created)
    }
}
