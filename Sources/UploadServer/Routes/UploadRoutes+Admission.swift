import HTTPTypes
import Hummingbird
import UploadCore

/// What every request, or every file, has to pass before anything is done for it.
extension UploadRoutes {
    func authorize(_ request: Request) throws(Refusal) {
        guard let token = configuration.token else { return }
        if configuration.publicRead, request.method == .get || request.method == .head,
            request.uri.path.hasPrefix(Self.files)
        {
            return
        }
        // The scheme's name is not case-sensitive (RFC 9110, section 11.1).
        guard let field = request.headers[.authorization], field.lowercased().hasPrefix("bearer "),
            isEqualInConstantTime(String(field.dropFirst("bearer ".count)), token)
        else { throw .unauthorized }
    }

    /// For a client that asks before it sends its body.
    func wouldRead(_ request: Request) -> Bool {
        do throws(Refusal) {
            try authorize(request)
            try admit(size: contentLength(request))
            return true
        } catch {
            return false
        }
    }

    func admit(size: Int64) throws(Refusal) {
        if let limit = configuration.maximumFileSize, size > limit { throw .tooLarge(limit: limit, "A file") }
    }

    func admit(type: String) throws(Refusal) {
        guard ContentTypes.isPresentable(type) else {
            throw .malformed("A content type is 1 to 255 characters of visible ASCII.")
        }
        guard ContentRules(configuration.allowedTypes).allow(type) else {
            throw .typeRefused(type, allowed: configuration.allowedTypes)
        }
    }

    func contentLength(_ request: Request) throws(Refusal) -> Int64 {
        guard let field = request.headers[.contentLength], let length = Int64(field), length >= 0 else {
            throw .lengthRequired
        }
        return length
    }

    func contentDigest(_ request: Request) throws(Refusal) -> ContentDigest {
        guard let field = request.headers[.contentDigest] else {
            throw .malformed("Content-Digest is needed: \"sha-256=:BASE64:\" of the body (RFC 9530).")
        }
        return try digest(field, "Content-Digest")
    }

    func digest(_ text: String, _ what: String) throws(Refusal) -> ContentDigest {
        guard let digest = DigestField.parse(text) else {
            throw .malformed("\(what) is not \"sha-256=:BASE64:\" (RFC 9530).")
        }
        return digest
    }

    /// The session that a request names in its query.
    func session(_ request: Request) async throws(Refusal) -> UploadSession {
        guard let text = request.uri.queryParameters["session"] else { throw .malformed("session is missing.") }
        return try await session(String(text))
    }

    func session(_ text: String) async throws(Refusal) -> UploadSession {
        guard let id = SessionIdentifier(text) else { throw .store(.unknownSession) }
        return try await stored { () async throws(StoreError) in try await store.session(id) }
    }

    /// Tells what the store refuses as what the request is refused for.
    func stored<Value: Sendable>(
        _ work: () async throws(StoreError) -> Value
    ) async throws(Refusal) -> Value {
        do throws(StoreError) {
            return try await work()
        } catch {
            throw .store(error)
        }
    }
}
