import FoundationEssentials
import Glibc

/// Credentials in JSON, as programs, containers and EC2's metadata give them: "Process credential provider", "Container
/// credential provider" (AWS SDKs and Tools Reference Guide), "Retrieve security credentials from instance metadata"
/// (Amazon EC2 User Guide). They differ in the token's name alone.
struct CredentialDocument: Decodable {
    /// Of a program.
    let version: Int?
    /// "Success", of EC2's metadata, or why there are none.
    let code: String?
    private let accessKey: String?
    private let secretKey: String?
    private let token: String?
    private let sessionToken: String?
    private let expiration: String?

    private enum CodingKeys: String, CodingKey {
        case version = "Version"
        case code = "Code"
        case accessKey = "AccessKeyId"
        case secretKey = "SecretAccessKey"
        case token = "Token"
        case sessionToken = "SessionToken"
        case expiration = "Expiration"
    }

    /// - Returns: nil for what is no such document. Why is not told: what does not fit may be a secret.
    init?(_ bytes: [UInt8]) {
        guard let document = try? JSONDecoder().decode(CredentialDocument.self, from: Data(bytes)) else { return nil }
        self = document
    }

    /// nil when something of it is missing, or its end is no time.
    var lease: CredentialLease? {
        guard let accessKey, let secretKey, !accessKey.isEmpty, !secretKey.isEmpty else { return nil }
        let token = [sessionToken, token].compactMap { $0 }.first { !$0.isEmpty }
        var end: Int?
        if let expiration, !expiration.isEmpty {
            guard let seconds = Self.seconds(expiration) else { return nil }
            end = seconds
        }
        return CredentialLease(
            credentials: S3Credentials(accessKey: accessKey, secretKey: secretKey, sessionToken: token), end: end)
    }

    /// A time of ISO 8601 with its date, such as "2026-01-31T12:00:00Z", "….123+01:00" and, as the AWS CLI wrote it
    /// once, "…UTC".
    /// - Returns: seconds since 1970; nil for what is no such time.
    static func seconds(_ text: String) -> Int? {
        let text = Array(text.utf8)
        guard text.count >= 19, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: " "), text[13] == UInt8(ascii: ":"),
            text[16] == UInt8(ascii: ":")
        else { return nil }
        let places = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19]
        let numbers = places.compactMap { number(text[$0]) }
        guard numbers.count == 6, 1...12 ~= numbers[1], 1...31 ~= numbers[2], let offset = offset(text[19...]) else {
            return nil
        }
        var fields = tm()
        (fields.tm_year, fields.tm_mon, fields.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
        (fields.tm_hour, fields.tm_min, fields.tm_sec) = (numbers[3], numbers[4], numbers[5])
        return timegm(&fields) - offset
    }

    private static func number(_ digits: some Collection<UInt8>) -> Int32? {
        digits.allSatisfy { 0x30...0x39 ~= $0 } ? Int32(String(decoding: digits, as: UTF8.self)) : nil
    }

    /// - Parameter tail: what comes after the seconds.
    /// - Returns: seconds east of Greenwich.
    private static func offset(_ tail: ArraySlice<UInt8>) -> Int? {
        var tail = tail
        if tail.first == UInt8(ascii: ".") { tail = tail.dropFirst().drop { 0x30...0x39 ~= $0 } }
        switch String(decoding: tail, as: UTF8.self) {
        case "", "Z", "UTC": return 0
        case let zone:
            let digits = tail.dropFirst().filter { $0 != UInt8(ascii: ":") }
            guard zone.hasPrefix("+") || zone.hasPrefix("-"), digits.count == 4, let hours = number(digits.prefix(2)),
                let minutes = number(digits.suffix(2))
            else { return nil }
            return (zone.hasPrefix("-") ? -60 : 60) * (Int(hours) * 60 + Int(minutes))
        }
    }
}
