/// The native protocol as both ends of it spell it. Its reference is `Sources/UploadServer/openapi.yaml`.
package enum NativeProtocol {
    /// Chunks a client sends when it has no other wish: 1 MiB, and 2 MiB of a video.
    package static let chunkSize: Int64 = 1 << 20
    package static let videoChunkSize: Int64 = 2 << 20

    package struct InitRequest: Codable, Sendable, Hashable {
        package var name: String
        /// nil while nobody knows.
        package var size: Int64?
        package var contentType: String
        package var chunkSize: Int64
        /// Facts that travel with the object: "mtime" (seconds since 1970 with a fraction) and "mode" (octal).
        package var metadata: [String: String]

        package init(name: String, size: Int64?, contentType: String, chunkSize: Int64, metadata: [String: String]) {
            self.name = name
            self.size = size
            self.contentType = contentType
            self.chunkSize = chunkSize
            self.metadata = metadata
        }
    }

    package struct InitResponse: Codable, Sendable, Hashable {
        package var session: String
        package var chunkSize: Int64
        /// nil when there is no limit.
        package var maxFileSize: Int64?
        /// RFC 3339; moves on with every request of the session.
        package var expiresAt: String

        package init(session: String, chunkSize: Int64, maxFileSize: Int64?, expiresAt: String) {
            self.session = session
            self.chunkSize = chunkSize
            self.maxFileSize = maxFileSize
            self.expiresAt = expiresAt
        }
    }

    package struct ChunkEntry: Codable, Sendable, Hashable {
        package var index: Int
        package var size: Int64
        /// "sha-256=:BASE64:" (RFC 9530).
        package var digest: String

        package init(index: Int, size: Int64, digest: String) {
            self.index = index
            self.size = size
            self.digest = digest
        }
    }

    package struct StatusResponse: Codable, Sendable, Hashable {
        package var session: String
        package var chunkSize: Int64
        package var expiresAt: String
        package var chunks: [ChunkEntry]

        package init(session: String, chunkSize: Int64, expiresAt: String, chunks: [ChunkEntry]) {
            self.session = session
            self.chunkSize = chunkSize
            self.expiresAt = expiresAt
            self.chunks = chunks
        }
    }

    package struct FinalizeRequest: Codable, Sendable, Hashable {
        package var session: String
        package var name: String
        package var size: Int64
        /// Of the whole content, "sha-256=:BASE64:"; nil from who no longer has all of it.
        package var digest: String?
        /// As in InitRequest; what is told here holds.
        package var metadata: [String: String]?

        package init(session: String, name: String, size: Int64, digest: String?, metadata: [String: String]?) {
            self.session = session
            self.name = name
            self.size = size
            self.digest = digest
            self.metadata = metadata
        }
    }

    /// Answers a finalize and a plain PUT.
    package struct FinalizeResponse: Codable, Sendable, Hashable {
        package var url: String
        package var size: Int64
        package var digest: String

        package init(url: String, size: Int64, digest: String) {
            self.url = url
            self.size = size
            self.digest = digest
        }
    }

    /// Answers GET /upload/sessions: a client's unfinished uploads.
    package struct SessionsResponse: Codable, Sendable, Hashable {
        package struct Entry: Codable, Sendable, Hashable {
            package var session: String
            package var name: String
            /// What init was told.
            package var metadata: [String: String]

            package init(session: String, name: String, metadata: [String: String]) {
                self.session = session
                self.name = name
                self.metadata = metadata
            }
        }

        package var sessions: [Entry]

        package init(sessions: [Entry]) {
            self.sessions = sessions
        }
    }

    /// Answers GET /upload/limits: what a client may know before it begins.
    package struct LimitsResponse: Codable, Sendable, Hashable {
        package var chunkSize: Int64
        package var maxFileSize: Int64?
        /// Content types that are taken ("image/*"); empty: all.
        package var allowedTypes: [String]

        package init(chunkSize: Int64, maxFileSize: Int64?, allowedTypes: [String]) {
            self.chunkSize = chunkSize
            self.maxFileSize = maxFileSize
            self.allowedTypes = allowedTypes
        }
    }

    /// application/problem+json (RFC 9457).
    package struct Problem: Codable, Sendable, Hashable {
        /// "urn:uploadfs:problem:" and a `ProblemType`.
        package var type: String
        package var title: String
        package var status: Int
        package var detail: String
        /// With `missing-chunks`.
        package var missing: [Int]?
        /// With `too-large`, in bytes.
        package var limit: Int64?

        package init(
            type: ProblemType, title: String, status: Int, detail: String, missing: [Int]? = nil, limit: Int64? = nil
        ) {
            self.type = Self.prefix + type.rawValue
            self.title = title
            self.status = status
            self.detail = detail
            self.missing = missing
            self.limit = limit
        }

        package static let prefix = "urn:uploadfs:problem:"

        /// nil for a type this version does not know.
        package var knownType: ProblemType? {
            type.hasPrefix(Self.prefix) ? ProblemType(rawValue: String(type.dropFirst(Self.prefix.count))) : nil
        }
    }

    package enum ProblemType: String, Sendable, CaseIterable {
        case malformed = "malformed"
        case digestMismatch = "digest-mismatch"
        case badName = "bad-name"
        case unauthorized = "unauthorized"
        case unknownSession = "unknown-session"
        case sessionClosed = "session-closed"
        case notFound = "not-found"
        case missingChunks = "missing-chunks"
        case conflict = "conflict"
        case lengthRequired = "length-required"
        case tooLarge = "too-large"
        case typeRefused = "type-refused"
        case tooMany = "too-many"
        case diskFull = "disk-full"
        case notSatisfiable = "range-not-satisfiable"
        case internalError = "internal-error"
    }

    package static let problemContentType = "application/problem+json"
}
