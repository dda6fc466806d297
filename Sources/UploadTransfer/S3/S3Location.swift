import FoundationEssentials
package import UploadCore

/// Where objects go: `s3://BUCKET/PREFIX?endpoint=URL&region=NAME&path-style=true&part-size=64MiB`.
package struct S3Location: Sendable, Hashable {
    package let bucket: String
    /// What all keys begin with, with a "/" behind it; "" for none.
    package let prefix: String
    /// nil: AWS itself, whose host is the region's.
    package let endpoint: HTTPEndpoint?
    /// nil: not said.
    package let region: String?
    /// The bucket stands in the path, and not in the host's name.
    package let isPathStyle: Bool
    /// How files are cut into parts.
    package let schedule: ChunkSchedule

    /// What is wrong with a URL, in words for who wrote it.
    package struct Problem: Error, Sendable, Hashable {
        package let text: String
    }

    /// - Parameters:
    ///   - region: to be used where the URL names none.
    ///   - endpoint: the same; nil: AWS itself.
    package init(
        _ url: String, region fallback: String? = nil, endpoint elsewhere: String? = nil
    ) throws(Problem) {
        // Before anything of it is repeated: a secret may have any characters.
        guard !url.contains("@") else {
            throw Problem(
                text: "Credentials do not belong in the URL, where everybody sees them: set AWS_ACCESS_KEY_ID and "
                    + "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE. (An \"@\" of a prefix is written %40.)")
        }
        guard let parts = URLComponents(string: url), parts.scheme == "s3", let bucket = parts.host, !bucket.isEmpty
        else {
            throw Problem(text: "\"\(url)\" is no S3 destination: it must be s3://BUCKET or s3://BUCKET/PREFIX.")
        }
        var settings: [String: String] = [:]
        for item in parts.queryItems ?? [] {
            guard ["endpoint", "region", "path-style", "part-size"].contains(item.name) else {
                throw Problem(
                    text: "\"\(item.name)\" is no setting of an S3 destination: there are endpoint, region, path-style "
                        + "and part-size.")
            }
            settings[item.name] = item.value
        }
        let names = parts.path.split(separator: "/", omittingEmptySubsequences: true)
        guard !names.contains("."), !names.contains("..") else {
            throw Problem(
                text: "A prefix has no \".\" or \"..\": to S3 these are names like others, to URLs they are not.")
        }
        self.bucket = bucket
        prefix = names.isEmpty ? "" : names.joined(separator: "/") + "/"
        region = settings["region"] ?? fallback
        let server = settings["endpoint"] ?? elsewhere
        switch settings["path-style"] {
        case nil:
            // A certificate for "*.host" has no room for a bucket with dots.
            isPathStyle = server != nil || bucket.contains(".")
        case "true": isPathStyle = true
        case "false": isPathStyle = false
        case let other?: throw Problem(text: "path-style is \"\(other)\", and must be true or false.")
        }
        endpoint = if let server { try Self.endpoint(server) } else { nil }
        if let text = settings["part-size"] {
            schedule = .equal(try Self.partSize(text))
        } else {
            // Cloudflare's takes parts of one size only.
            let isR2 = endpoint?.host.hasSuffix(".r2.cloudflarestorage.com") == true
            schedule = isR2 ? .equal(64 << 20) : .doubling(S3Limits.firstPart)
        }
    }

    private static func partSize(_ text: String) throws(Problem) -> Int64 {
        guard text.hasSuffix("MiB"), let count = Int64(text.dropLast(3)), count <= S3Limits.largestPart >> 20,
            count << 20 >= S3Limits.smallestPart
        else { throw Problem(text: "part-size is \"\(text)\", and must be from 5MiB to 5120MiB.") }
        return count << 20
    }

    /// What requests are signed for where nothing else is known.
    static let defaultRegion = "us-east-1"

    private static func endpoint(_ text: String) throws(Problem) -> HTTPEndpoint {
        guard let endpoint = HTTPEndpoint(text) else {
            throw Problem(text: "endpoint is \"\(text)\", and must be a URL such as https://s3.example.org.")
        }
        return endpoint
    }

    /// The Host field.
    /// - Parameter region: where the bucket lies; of interest with AWS alone.
    package func host(in region: String) -> String {
        let host = endpoint?.host ?? "s3.\(region).\(HTTPEndpoint.domain(of: region))"
        return isPathStyle ? host : "\(bucket).\(host)"
    }

    package var scheme: String { endpoint?.isSecure == false ? "http" : "https" }

    /// The path of a request about an object, or about the bucket, encoded as S3 wants it: each byte but unreserved
    /// ones and "/".
    package func path(_ key: String?) -> String {
        let bucket = isPathStyle ? "/\(PercentEncoding.encode(bucket))" : ""
        let key = key.map { "/" + Self.encoded($0) }
        let path = (endpoint?.path ?? "") + bucket + (key ?? "")
        return path.isEmpty ? "/" : path
    }

    /// What is to be copied ("CopyObject", x-amz-copy-source): bucket and key, encoded as in a URL.
    func copySource(_ key: String) -> String { "/\(PercentEncoding.encode(bucket))/\(Self.encoded(key))" }

    /// By bytes: a name may begin with what combines with the "/" before it.
    private static func encoded(_ key: String) -> String {
        PercentEncoding.encode(key).replacing("%2F", with: "/")
    }

    package func key(_ path: UploadPath) -> String { prefix + path.text }

    /// What people and their tools call an object.
    package func url(_ key: String) -> String { "s3://\(bucket)/\(key)" }

    /// - Returns: nil for the URL of what is not in this bucket.
    func key(ofURL url: String) -> String? {
        let place = self.url("")
        guard url.utf8.starts(with: place.utf8) else { return nil }
        return String(decoding: url.utf8.dropFirst(place.utf8.count), as: UTF8.self)
    }
}
