package import HTTPTypes
package import UploadCore

/// One HTTP request, ready to be sent.
package struct TransferRequest: Sendable {
    package enum Body: Sendable {
        case none
        /// A few bytes, for example JSON.
        case bytes([UInt8])
        /// A range of a spool file, which is read while it travels. Must lie within the file.
        case file(any SpoolFile, Range<Int64>)
    }

    package var method: HTTPRequest.Method
    /// http: or https:, percent-encoded.
    package var url: String
    package var fields: HTTPFields
    package var body: Body
    /// What the request is for ("chunk", "finalize"): the name under which figures count it.
    package var operation: String
    /// How long the answer may keep us waiting once the whole body is handed over; nil: the client's
    /// stall time.
    package var answerTime: Duration?
    /// How long connecting may take; nil: as the client has it for all.
    package var connectTime: Duration?
    /// Counts the body's bytes as the network takes them. What was counted is taken back unless the
    /// answer is a success (2xx).
    package var sent: ByteCounter?
    /// An answer's body that has more bytes is cut there, and its connection with it; nil: it is `malformed` when it has
    /// more than the client takes.
    package var answerLimit: Int?

    package init(
        method: HTTPRequest.Method, url: String, fields: HTTPFields = [:], body: Body = .none, operation: String,
        answerTime: Duration? = nil, connectTime: Duration? = nil, sent: ByteCounter? = nil, answerLimit: Int? = nil
    ) {
        self.answerLimit = answerLimit
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.operation = operation
        self.answerTime = answerTime
        self.connectTime = connectTime
        self.sent = sent
    }
}

extension TransferRequest.Body {
    /// Bytes that the body has; nil for a request that has none.
    var length: Int64? {
        switch self {
        case .none: nil
        case .bytes(let bytes): Int64(bytes.count)
        case .file(_, let range): range.upperBound - range.lowerBound
        }
    }
}

/// A destination's answer, whatever its status.
package struct TransferResponse: Sendable {
    package let status: Int
    package let fields: HTTPFields
    /// At most `CurlOptions.maximumAnswer` bytes, or as many as the request wanted. After an error that was answered
    /// while we were still sending, it may be cut short.
    package let body: [UInt8]

    package init(status: Int, fields: HTTPFields, body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    package var isSuccess: Bool { 200..<300 ~= status }
}
