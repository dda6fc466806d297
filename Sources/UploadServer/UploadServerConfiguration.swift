/// What an upload server is told when it is made.
package struct UploadServerConfiguration: Sendable {
    /// Where published files lie; made when it is not there.
    package var directory: String
    package var host: String
    /// 0: any that is free.
    package var port: Int
    /// Bytes; nil: no limit but the disk's.
    package var maximumFileSize: Int64?
    /// "image/png", "image/*"; empty: all are taken.
    package var allowedTypes: [String]
    /// The bearer token that requests must bring; nil: none. Needed as soon as `host` is not loopback.
    package var token: String?
    /// Whether GET and HEAD of published files go without the token.
    package var publicRead: Bool
    /// How long an unfinished upload is kept after its last request.
    package var sessionLifetime: Duration
    /// Unfinished uploads at once.
    package var maximumSessions: Int
    /// What the URLs of published files begin with, for example "https://files.example.org"; nil: the address
    /// that is listened on.
    package var publicURL: String?

    package init(
        directory: String, host: String = "127.0.0.1", port: Int = 0, maximumFileSize: Int64? = nil,
        allowedTypes: [String] = [], token: String? = nil, publicRead: Bool = false,
        sessionLifetime: Duration = .seconds(7 * 24 * 3600), maximumSessions: Int = 1000, publicURL: String? = nil
    ) {
        self.directory = directory
        self.host = host
        self.port = port
        self.maximumFileSize = maximumFileSize
        self.allowedTypes = allowedTypes
        self.token = token
        self.publicRead = publicRead
        self.sessionLifetime = sessionLifetime
        self.maximumSessions = maximumSessions
        self.publicURL = publicURL
    }

    /// Only this machine can come here: 127.0.0.0/8, ::1, localhost.
    var isLoopback: Bool {
        if host == "::1" || host.lowercased() == "localhost" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }

    func check() throws(UploadServerError) {
        guard (0...65535).contains(port) else { throw .invalidPort(port) }
        guard token?.isEmpty != true else { throw .emptyToken }
        guard isLoopback || token != nil else { throw .tokenRequired(host: host) }
    }
}
