/// How a `CurlClient` behaves towards all destinations.
package struct CurlOptions: Sendable, Hashable {
    /// Requests under way at once, and so connections in use: in all, and to one host and port.
    /// Further requests wait for their turn, first come first served.
    package var maximumConnections: Int
    package var maximumConnectionsPerHost: Int
    /// For resolving the name, connecting and the TLS handshake together.
    package var connectTimeout: Duration
    /// A connection on which no byte moves for so long is given up.
    package var stallTime: Duration
    /// A PEM file of the certificate authorities to trust, in place of the system's.
    package var certificateAuthorities: String?
    /// An answer whose body has more bytes than this is `malformed`.
    package var maximumAnswer: Int
    /// Bytes of one connection's send buffer, which is filled from the spool in one read
    /// (CURLOPT_UPLOAD_BUFFERSIZE(3): 16 KiB to 2 MiB).
    package var sendBuffer: Int

    package init(
        maximumConnections: Int = 16, maximumConnectionsPerHost: Int = 16, connectTimeout: Duration = .seconds(5),
        stallTime: Duration = .seconds(10), certificateAuthorities: String? = nil, maximumAnswer: Int = 1 << 20,
        sendBuffer: Int = 256 << 10
    ) {
        self.maximumConnections = max(1, maximumConnections)
        self.maximumConnectionsPerHost = max(1, maximumConnectionsPerHost)
        self.connectTimeout = connectTimeout
        self.stallTime = stallTime
        self.certificateAuthorities = certificateAuthorities
        self.maximumAnswer = maximumAnswer
        self.sendBuffer = sendBuffer
    }
}
