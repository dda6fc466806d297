import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import UploadCore

/// Which request goes where. Every way out that is not an answer is a `Refusal`, and becomes a problem here.
struct UploadRoutes: HTTPResponder {
    let configuration: UploadServerConfiguration
    let store: SessionStore
    let bound: BoundPort
    let location: PublicLocation

    init(configuration: UploadServerConfiguration, store: SessionStore, bound: BoundPort) {
        self.configuration = configuration
        self.store = store
        self.bound = bound
        location = PublicLocation(configuration)
    }

    func respond(to request: Request, context: BasicRequestContext) async -> Response {
        do throws(Refusal) {
            try authorize(request)
            return try await dispatch(request)
        } catch {
            let problem = error.problem
            if problem.status >= 500, problem.status != 503 {
                context.logger.error("\(problem.title): \(problem.detail)", metadata: ["path": "\(request.uri.path)"])
            } else {
                context.logger.debug("\(problem.status) \(problem.detail)", metadata: ["path": "\(request.uri.path)"])
            }
            let response = Answers.problem(error)
            return request.method == .head ? response.createHeadResponse() : response
        }
    }

    private func dispatch(_ request: Request) async throws(Refusal) -> Response {
        let path = request.uri.path
        if path.hasPrefix(Self.files) {
            let name = try PublicName.parse(encoded: path.dropFirst(Self.files.count))
            return switch request.method {
            case .get: try await getFile(name, request, withBody: true)
            case .head: try await getFile(name, request, withBody: false)
            case .put: try await putFile(name, request)
            default: throw .methodNotAllowed(allowed: "GET, HEAD, PUT")
            }
        }
        switch (path, request.method) {
        case ("/upload/chunk", .put): return try await putChunk(request)
        case ("/upload/init", .post): return try await beginUpload(request)
        case ("/upload/finalize", .post): return try await finalizeUpload(request)
        case ("/upload/status", .get): return try await uploadStatus(request)
        case ("/upload", .delete): return try await abortUpload(request)
        case ("/upload/limits", .get): return try limits()
        case ("/upload/sessions", .get): return try listSessions(request)
        case ("/", .get), ("/health", .get): return try health()
        case ("/upload/chunk", _): throw .methodNotAllowed(allowed: "PUT")
        case ("/upload/init", _), ("/upload/finalize", _): throw .methodNotAllowed(allowed: "POST")
        case ("/upload", _): throw .methodNotAllowed(allowed: "DELETE")
        case ("/upload/status", _), ("/upload/limits", _), ("/upload/sessions", _), ("/", _), ("/health", _):
            throw .methodNotAllowed(allowed: "GET")
        default: throw .noSuchRoute
        }
    }

    static let files = "/files/"
}
