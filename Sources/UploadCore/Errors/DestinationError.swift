/// How a request to a destination failed, as a fact that `RetryPolicy` can decide upon.
package enum DestinationError: Error, Sendable, Hashable {
    /// No connection came about: the name does not resolve, nobody listens, TLS is not trusted.
    /// Says nothing about the request, everything about the destination.
    case unreachable(Unreachable)
    /// The connection broke, or no byte moved for the stall time: the request may or may not have
    /// been carried out.
    case broken(Breakage)
    /// It answered that it can't now: 408, 425, 429, 500, 502, 503, 504 and their like.
    case busy(status: Int, retryAfter: Duration?)
    /// The bytes that arrived were not the bytes that we hashed. Nothing of them was kept.
    case damaged
    /// It does not know the session (any more): begin again from the spool.
    case sessionLost
    /// Finalizing was refused since these chunks are not there.
    case missing([ChunkIndex])
    /// Our credentials are not (or no longer) good: 401, 403.
    case unauthorized(status: Int)
    /// We have none, or could not renew them. With what is wrong, and what mends it, in sentences.
    case noCredentials(detail: String)
    /// Our credentials are good, but do not allow this (S3: AccessDenied). Says nothing of other names.
    case forbidden(status: Int, detail: String)
    /// A refusal that no retry mends.
    case rejected(Rejection)
    /// The spool could not give the bytes.
    case source(SpoolError)
    /// Our own journal could not be asked whether the bytes may go.
    case journal(JournalError)
    /// An answer that this protocol does not have.
    case malformed(detail: String)
    /// We gave the request up ourselves.
    case cancelled

    /// It is about the bytes that were to travel, which may have changed meanwhile.
    var isOfBytes: Bool {
        switch self {
        case .damaged, .source: true
        default: false
        }
    }

    /// Nobody was there, or let us in: the request itself may be right.
    var isOfDestination: Bool {
        switch self {
        case .unreachable, .broken, .unauthorized, .noCredentials: true
        default: false
        }
    }

    package enum Unreachable: Sendable, Hashable {
        case unresolved(host: String)
        case refused
        case timedOut
        case untrusted(detail: String)
        case other(detail: String)
    }

    package enum Breakage: Sendable, Hashable {
        case reset
        case stalled
        case truncated
        case other(detail: String)
    }
}

/// A destination's lasting no.
package struct Rejection: Error, Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        /// Over its file size limit, in bytes where it told it.
        case tooLarge(limit: Int64?)
        case typeRefused
        case nameRefused
        case conflict
        /// What was published is there no more: another object, or none.
        case changed
        case gone
        case other
    }

    package let status: Int
    package let cause: Cause
    /// What the destination said of it, for people.
    package let detail: String

    package init(status: Int, cause: Cause, detail: String) {
        self.status = status
        self.cause = cause
        self.detail = detail
    }
}
