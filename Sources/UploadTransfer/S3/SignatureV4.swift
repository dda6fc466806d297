import Crypto
import FoundationEssentials
import Glibc

/// AWS Signature Version 4 in the Authorization field ("Authenticating Requests: Using the Authorization Header" of the
/// Amazon S3 API reference). Pure.
struct SignatureV4: Sendable {
    let credentials: S3Credentials
    let region: String
    let service: String
    /// "20150830": the day that `key` is of.
    private let date: Substring
    private let key: SymmetricKey

    /// - Parameter time: as `amzDate` writes it. Its day is what the key is derived for: what signs many requests may be
    ///   kept as long as `isOf` says so.
    init(credentials: S3Credentials, region: String, service: String = "s3", at time: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
        date = time.prefix(8)
        var key = SymmetricKey(data: Data("AWS4\(credentials.secretKey)".utf8))
        for word in [String(date), region, service, "aws4_request"] {
            key = SymmetricKey(data: Self.code(of: word, with: key))
        }
        self.key = key
    }

    /// Whether this is what signs with these.
    func isOf(_ credentials: S3Credentials, _ region: String, at time: String) -> Bool {
        date == time.prefix(8) && self.region == region && self.credentials == credentials
    }

    static let algorithm = "AWS4-HMAC-SHA256"

    /// The payload's hash of a request whose body is not signed.
    static let unsignedPayload = "UNSIGNED-PAYLOAD"

    /// What is signed of a request.
    struct Subject: Sendable {
        var method: String
        /// As it is sent: encoded, and beginning with "/".
        var path: String
        /// As it is sent, each name and value encoded.
        var query: [(name: String, value: String)] = []
        /// All fields that are to be signed, Host among them.
        var fields: [(name: String, value: String)]
        /// In hexadecimal digits, or `unsignedPayload`.
        var payloadHash: String
    }

    /// The Authorization field's value.
    /// - Parameter time: as `amzDate` writes it, and as the field X-Amz-Date tells; of the day that this was made for.
    func authorization(_ subject: Subject, at time: String) -> String {
        let fields = Self.canonical(subject.fields)
        let request = Self.canonicalRequest(subject, fields)
        return "\(Self.algorithm) Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(fields.names), "
            + "Signature=\(signature(of: stringToSign(request, at: time)))"
    }

    private func signature(of stringToSign: String) -> String {
        Hex.text(Self.code(of: stringToSign, with: key))
    }

    private func stringToSign(_ canonicalRequest: String, at time: String) -> String {
        "\(Self.algorithm)\n\(time)\n\(scope)\n\(Hex.text(SHA256.hash(data: Data(canonicalRequest.utf8))))"
    }

    static func canonicalRequest(_ subject: Subject) -> String {
        canonicalRequest(subject, canonical(subject.fields))
    }

    private static func canonicalRequest(_ subject: Subject, _ fields: (lines: String, names: String)) -> String {
        // By bytes, after they were encoded.
        let query = subject.query
            .sorted { $0.name == $1.name ? Self.precedes($0.value, $1.value) : Self.precedes($0.name, $1.name) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        return [subject.method, subject.path, query, fields.lines, fields.names, subject.payloadHash]
            .joined(separator: "\n")
    }

    private var scope: String { "\(date)/\(region)/\(service)/aws4_request" }

    /// - Returns: a line for each field, each with its end; and their names with ";" between.
    private static func canonical(_ fields: [(name: String, value: String)]) -> (lines: String, names: String) {
        // Of one name they stay in the order in which they are sent (sort is stable).
        let sorted = fields.map { (name: $0.name.lowercased(), value: $0.value) }
            .sorted { precedes($0.name, $1.name) }
        var lines = ""
        var names = ""
        var last: String?
        for field in sorted {
            if field.name == last {
                // Instead of the line's end.
                lines.removeLast()
                lines += ","
            } else {
                if last != nil { names += ";" }
                names += field.name
                lines += field.name
                lines += ":"
            }
            lines += trimmed(field.value)
            lines += "\n"
            last = field.name
        }
        return (lines, names)
    }

    /// Without blanks at both ends, and one for each row of them within.
    private static func trimmed(_ value: String) -> String {
        // Most have none. What may be a blank of another kind is looked at by its character.
        if value.utf8.allSatisfy({ $0 > UInt8(ascii: " ") && $0 < 0x7f }) { return value }
        return value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private static func precedes(_ one: String, _ other: String) -> Bool {
        one.utf8.lexicographicallyPrecedes(other.utf8)
    }

    private static func code(of text: String, with key: SymmetricKey) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: key)
    }

    /// For example "20150830T123600Z".
    /// - Parameter seconds: since 1970.
    static func amzDate(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var fields = tm()
        gmtime_r(&time, &fields)
        func padded(_ number: Int32, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = padded(fields.tm_year + 1900, 4) + padded(fields.tm_mon + 1) + padded(fields.tm_mday)
        return date + "T" + padded(fields.tm_hour) + padded(fields.tm_min) + padded(fields.tm_sec) + "Z"
    }
}

/// What S3's requests are signed with.
package struct S3Credentials: Sendable, Hashable {
    package let accessKey: String
    package let secretKey: String
    /// Of credentials that end some day.
    package let sessionToken: String?

    package init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }
}

extension S3Credentials: CustomStringConvertible {
    /// A secret is never printed, also not by mistake.
    package var description: String { "credentials of \(accessKey)" }
}

enum Hex {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
