/// What the proxy does to one request.
package enum Fault: Sendable, Hashable {
    /// Passes it on as it is.
    case none
    /// Passes on so many bytes of the request's body (all, if it has fewer), then cuts both
    /// connections with RST. The client gets no answer.
    case reset(afterBodyBytes: Int64)
    /// Reads the request to its end and answers it itself; the server never hears of it.
    case answer(status: Int, retryAfterSeconds: Int? = nil)
    /// Passes it on, takes the server's whole answer, and cuts the client off with RST.
    case dropAnswer
    /// Passes it on at once, and holds the server's answer back for so long.
    case delay(Duration)
    /// Accepts the head and then moves no byte for so long, whatever happens; then passes it on.
    case stall(Duration)
    /// Passes the request's body on at this rate.
    case rate(bytesPerSecond: Int)
}

/// The head of a request as it came from the client.
package struct RequestHead: Sendable, Hashable {
    package let method: String
    /// Without the query.
    package let path: String
    /// Without the question mark; empty when there is none.
    package let query: String
    /// Names in lower case, in the order of the wire.
    package let fields: [Field]
    /// From Content-Length; nil for a chunked body, 0 without one.
    package let contentLength: Int64?

    package struct Field: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package init(method: String, path: String, query: String, fields: [Field], contentLength: Int64?) {
        self.method = method
        self.path = path
        self.query = query
        self.fields = fields
        self.contentLength = contentLength
    }

    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// One request as the proxy saw it.
package struct ProxyRecord: Sendable, Hashable {
    /// From 0, in the order in which the heads came in.
    package let ordinal: Int
    package let head: RequestHead
    package let fault: Fault
    package let began: ContinuousClock.Instant
    package var ended: ContinuousClock.Instant
    /// Bytes of the body that were passed on to the server (or read and thrown away, with `.answer`).
    package var bodyBytes: Int64
    /// The server's answer, also one that was dropped.
    package var serverStatus: Int?
    package var outcome: Outcome

    package enum Outcome: Sendable, Hashable {
        /// The server's whole 2xx answer was passed to the client.
        case acknowledged
        /// Another whole answer of the server was.
        case refused(status: Int)
        /// The proxy answered.
        case injected(status: Int)
        /// The proxy cut the connection.
        case reset
        /// An answer was passed on, and the client closed without having read it: it had given up at that
        /// moment. Its kernel says so with RST instead of FIN (RFC 1122, section 4.2.2.13).
        case unread
        /// The client went away, or the server did or was not there, or the proxy was stopped.
        case broken
    }

    package var method: String { head.method }
    package var path: String { head.path }
    package var query: String { head.query }
    package var wasAcknowledged: Bool { outcome == .acknowledged }
}
