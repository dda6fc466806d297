import Crypto
import FoundationEssentials
import Glibc

/// AWS Signature Version 4 in the Authorization field ("Authenticating Requests: Using the Authorization Header" of the
/// Amazon S3 API reference). Pure.
struct SignatureV4: Sendable {
    let credentials: S3Credentials
    let region: String
    var service = "s3"

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
    /// - Parameter time: as `amzDate` writes it, and as the field X-Amz-Date tells.
    func authorization(_ subject: Subject, at time: String) -> String {
        let (_, names) = Self.canonical(subject.fields)
        return "\(Self.algorithm) Credential=\(credentials.accessKey)/\(scope(time)), SignedHeaders=\(names), "
            + "Signature=\(signature(subject, at: time))"
    }

    func signature(_ subject: Subject, at time: String) -> String {
        let date = String(time.prefix(8))
        var key = Self.code(of: date, with: Array("AWS4\(credentials.secretKey)".utf8))
        for word in [region, service, "aws4_request"] { key = Self.code(of: word, with: key) }
        return Hex.text(Self.code(of: stringToSign(subject, at: time), with: key))
    }

    func stringToSign(_ subject: Subject, at time: String) -> String {
        let hash = Hex.text(SHA256.hash(data: Data(Self.canonicalRequest(subject).utf8)))
        return [Self.algorithm, time, scope(time), hash].joined(separator: "\n")
    }

    static func canonicalRequest(_ subject: Subject) -> String {
        // By bytes, after they were encoded.
        let query = subject.query
            .sorted { $0.name == $1.name ? Self.precedes($0.value, $1.value) : Self.precedes($0.name, $1.name) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        let (lines, names) = canonical(subject.fields)
        return [subject.method, subject.path, query, lines, names, subject.payloadHash].joined(separator: "\n")
    }

    private func scope(_ time: String) -> String { "\(time.prefix(8))/\(region)/\(service)/aws4_request" }

    /// - Returns: a line for each field, each with its end; and their names with ";" between.
    private static func canonical(_ fields: [(name: String, value: String)]) -> (lines: String, names: String) {
        var values: [String: [String]] = [:]
        for field in fields {
            let words = field.value.split(whereSeparator: \.isWhitespace)
            values[field.name.lowercased(), default: []].append(words.joined(separator: " "))
        }
        let sorted = values.sorted { precedes($0.key, $1.key) }
        return (
            sorted.map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined(),
            sorted.map(\.key).joined(separator: ";")
        )
    }

    private static func precedes(_ one: String, _ other: String) -> Bool {
        one.utf8.lexicographicallyPrecedes(other.utf8)
    }

    private static func code(of text: String, with key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: SymmetricKey(data: key)))
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
