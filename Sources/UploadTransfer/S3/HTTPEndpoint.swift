import FoundationEssentials

/// Where a service is: a scheme, a host, and what all paths begin with.
package struct HTTPEndpoint: Sendable, Hashable {
    package let isSecure: Bool
    /// With the port, unless it is the scheme's own: as the Host field has it.
    package let host: String
    /// "" or "/…", without a "/" at its end, encoded.
    package let path: String

    /// - Parameter text: a URL; without a scheme it is one of https.
    /// - Returns: nil for what is no URL of a service, or has a user or a query in it.
    init?(_ text: String) {
        let url = text.contains("://") ? text : "https://\(text)"
        guard let parts = URLComponents(string: url), parts.scheme == "http" || parts.scheme == "https",
            let host = parts.encodedHost, !host.isEmpty, parts.user == nil, parts.query == nil
        else { return nil }
        isSecure = parts.scheme == "https"
        let port = parts.port.flatMap { [isSecure] in $0 == (isSecure ? 443 : 80) ? nil : ":\($0)" } ?? ""
        self.host = host + port
        path = String(parts.percentEncodedPath.reversed().drop { $0 == "/" }.reversed())
    }

    /// One of AWS's services in a region.
    init(service: String, region: String) {
        isSecure = true
        host = "\(service).\(region).\(Self.domain(of: region))"
        path = ""
    }

    /// Where the hosts of a region's services are.
    static func domain(of region: String) -> String {
        region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    }

    /// Without a "/" at its end.
    var url: String { "\(isSecure ? "https" : "http")://\(host)\(path)" }
}
