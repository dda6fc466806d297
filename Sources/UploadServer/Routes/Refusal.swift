import UploadCore

/// Why a request is not carried out: one case for each answer that is a problem.
enum Refusal: Error, Sendable, Hashable {
    case malformed(String)
    case badName(String)
    case unauthorized
    /// No such place in this protocol.
    case noSuchRoute
    case methodNotAllowed(allowed: String)
    case lengthRequired
    /// The limit in bytes, and what it is a limit of.
    case tooLarge(limit: Int64, String)
    case typeRefused(String, allowed: [String])
    /// A range that begins beyond the end of the file, which has so many bytes.
    case rangeNotSatisfiable(size: Int64)
    case store(StoreError)

    /// Seconds after which it may work; nil where waiting changes nothing.
    var retryAfter: Int? {
        switch self {
        case .store(.tooManySessions): 30
        case .store(.shuttingDown): 1
        case .store, .malformed, .badName, .unauthorized, .noSuchRoute, .methodNotAllowed, .lengthRequired, .tooLarge,
            .typeRefused, .rangeNotSatisfiable:
            nil
        }
    }

    /// RFC 9457.
    var problem: NativeProtocol.Problem {
        switch self {
        case .malformed(let detail): Self.make(.malformed, 400, "The request can't be read", detail)
        case .badName(let detail): Self.make(.badName, 400, "The name can't be used", detail)
        case .unauthorized:
            Self.make(
                .unauthorized, 401, "A token is needed", "Send the server's token as \"Authorization: Bearer TOKEN\".")
        case .noSuchRoute: Self.make(.notFound, 404, "There is nothing here", "This server has no such address.")
        case .methodNotAllowed(let allowed):
            Self.make(.notFound, 405, "Not with this method", "This address takes \(allowed).")
        case .lengthRequired:
            Self.make(.lengthRequired, 411, "Content-Length is needed", "Tell how long the body is before it begins.")
        case .tooLarge(let limit, let what):
            Self.make(.tooLarge, 413, "Too large", "\(what) may have \(limit) bytes here.", limit: limit)
        case .typeRefused(let type, let allowed):
            Self.make(
                .typeRefused, 415, "This content type is not taken",
                "\"\(type)\" is none of: \(allowed.joined(separator: ", ")).")
        case .rangeNotSatisfiable(let size):
            Self.make(.notSatisfiable, 416, "Beyond the end", "The file has \(size) bytes.")
        case .store(let error): Self.problem(of: error)
        }
    }

    private static func problem(of error: StoreError) -> NativeProtocol.Problem {
        switch error {
        case .unknownSession:
            make(.unknownSession, 404, "Unknown session", "It was never begun, has expired or was aborted.")
        case .noSuchFile: make(.notFound, 404, "No such file", "Nothing is published under this name.")
        case .sessionClosed:
            make(
                .sessionClosed, 409, "The session is closed",
                "It is being finalized, or has been: it takes no more chunks.")
        case .superseded:
            // A status that means "try again": whoever is still interested sends the bytes that hold now.
            make(.conflict, 408, "Superseded", "A newer request sends this chunk, so this one was given up.")
        case .outdated:
            make(.conflict, 409, "Outdated", "A later version was published under this name by the same client.")
        case .nameTaken(let detail): make(.conflict, 409, "The name is taken", detail)
        case .finalizedDifferently:
            make(
                .sessionClosed, 409, "Finalized before",
                "This session was finalized with another name, size or digest. Begin a new one.")
        case .missingChunks(let indexes):
            make(
                .missingChunks, 409, "Chunks are missing", "Send the missing chunks, then finalize again.",
                missing: indexes)
        case .digestMismatch:
            make(.digestMismatch, 400, "The digest does not fit", "The bytes that arrived have another SHA-256.")
        case .bodyBroken: make(.malformed, 400, "The body is incomplete", "Fewer bytes arrived than were announced.")
        case .tooManySessions:
            make(.tooMany, 429, "Too many uploads at once", "Finish or abort some, or come back later.")
        case .diskFull: make(.diskFull, 507, "The disk is full", "The server has no room for this now.")
        case .beyondFilesystem:
            make(.tooLarge, 413, "Too large", "The server's filesystem can't hold a file of this size.")
        case .shuttingDown: make(.internalError, 503, "Going down", "The server is being stopped.")
        case .system(let call, let errno):
            make(.internalError, 500, "The server failed", "\(call) failed with errno \(errno).")
        }
    }

    private static func make(
        _ type: NativeProtocol.ProblemType, _ status: Int, _ title: String, _ detail: String, missing: [Int]? = nil,
        limit: Int64? = nil
    ) -> NativeProtocol.Problem {
        NativeProtocol.Problem(
            type: type, title: title, status: status, detail: detail, missing: missing, limit: limit)
    }
}
