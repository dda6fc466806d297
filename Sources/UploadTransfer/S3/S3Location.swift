import FoundationEssentials
package import UploadCore

/// Where objects go: `s3://BUCKET/PREFIX?endpoint=URL&region=NAME&path-style=true`.
package struct S3Location: Sendable, Hashable {
    package let bucket: String
    /// What all keys begin with, with a "/" behind it; "" for none.
    package let prefix: String
    /// For example `https://s3.eu-west-1.amazonaws.com`, without a "/" at its end.
    package let endpoint: Endpoint
    /// nil: not said.
    package let region: String?
    /// The bucket stands in the path, and not in the host's name.
    package let isPathStyle: Bool

    package struct Endpoint: Sendable, Hashable {
        package let isSecure: Bool
        /// With the port, unless it is the scheme's own: as the Host field has it.
        package let host: String
        /// "" or "/…", without a "/" at its end, encoded.
        package let path: String
    }

    /// What is wrong with a URL, in words for who wrote it.
    package struct Problem: Error, Sendable, Hashable {
        package let text: String
    }

    /// - Parameter region: to be used where the URL names none.
    package init(_ url: String, region fallback: String? = nil) throws(Problem) {
        guard let parts = URLComponents(string: url), parts.scheme == "s3", let bucket = parts.host, !bucket.isEmpty
        else {
            throw Problem(text: "\"\(url)\" is no S3 destination: it must be s3://BUCKET or s3://BUCKET/PREFIX.")
        }
        guard parts.user == nil, parts.password == nil else {
            throw Problem(
                text: "Credentials do not belong in the URL, where everybody sees them: set AWS_ACCESS_KEY_ID and "
                    + "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.")
        }
        var settings: [String: String] = [:]
        for item in parts.queryItems ?? [] {
            guard ["endpoint", "region", "path-style"].contains(item.name) else {
                throw Problem(
                    text: "\"\(item.name)\" is no setting of an S3 destination: there are endpoint, region and "
                        + "path-style.")
            }
            settings[item.name] = item.value
        }
        let names = parts.path.split(separator: "/", omittingEmptySubsequences: true)
        self.bucket = bucket
        prefix = names.isEmpty ? "" : names.joined(separator: "/") + "/"
        region = settings["region"] ?? fallback
        switch settings["path-style"] {
        case nil:
            // A certificate for "*.host" has no room for a bucket with dots.
            isPathStyle = settings["endpoint"] != nil || bucket.contains(".")
        case "true": isPathStyle = true
        case "false": isPathStyle = false
        case let other?: throw Problem(text: "path-style is \"\(other)\", and must be true or false.")
        }
        if let text = settings["endpoint"] {
            endpoint = try Self.endpoint(text)
        } else {
            endpoint = Endpoint(isSecure: true, host: "s3.\(region ?? Self.defaultRegion).amazonaws.com", path: "")
        }
    }

    /// What requests are signed for where nothing else is known.
    static let defaultRegion = "us-east-1"

    private static func endpoint(_ text: String) throws(Problem) -> Endpoint {
        let url = text.contains("://") ? text : "https://\(text)"
        guard let parts = URLComponents(string: url), parts.scheme == "http" || parts.scheme == "https",
            let host = parts.encodedHost, !host.isEmpty, parts.user == nil, parts.query == nil
        else { throw Problem(text: "endpoint is \"\(text)\", and must be a URL such as https://s3.example.org.") }
        let isSecure = parts.scheme == "https"
        let port = parts.port.flatMap { $0 == (isSecure ? 443 : 80) ? nil : ":\($0)" } ?? ""
        return Endpoint(
            isSecure: isSecure, host: host + port,
            path: String(parts.percentEncodedPath.reversed().drop { $0 == "/" }.reversed()))
    }

    /// The Host field.
    package var host: String { isPathStyle ? endpoint.host : "\(bucket).\(endpoint.host)" }

    /// The path of a request about an object, or about the bucket, encoded as S3 wants it: each byte but unreserved
    /// ones and "/".
    package func path(_ key: String?) -> String {
        let bucket = isPathStyle ? "/\(PercentEncoding.encode(bucket))" : ""
        let key = key.map { key in
            "/"
                + key.split(separator: "/", omittingEmptySubsequences: false).map { PercentEncoding.encode(String($0)) }
                .joined(separator: "/")
        }
        let path = endpoint.path + bucket + (key ?? "")
        return path.isEmpty ? "/" : path
    }

    package func key(_ path: UploadPath) -> String { prefix + path.text }

    /// What people and their tools call an object.
    package func url(_ key: String) -> String { "s3://\(bucket)/\(key)" }
}
