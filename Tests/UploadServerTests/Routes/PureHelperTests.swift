import Testing
import UploadCore

@testable import UploadServer

/// The small functions of Routes/, by table.
struct PureHelperTests {
    private static let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

    @Test(arguments: [
        "sha-256=:\(empty):", "  sha-256=:\(empty):", "sha-256=:\(empty):;a=1", "sha-512=:AAAA:, sha-256=:\(empty):",
        "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:, sha-256=:\(empty):",
    ])
    func aDigestFieldTellsItsSHA256(_ field: String) {
        #expect(DigestField.parse(field)?.field == "sha-256=:\(Self.empty):")
    }

    @Test(arguments: [
        "", "sha-256", "sha-256=", "sha-256=::", "sha-256=:AAAA:", "sha-256=:\(empty)", "sha-256=\(empty)",
        "sha-256=:\(empty):x", "SHA-256=:\(empty):", "sha-512=:\(empty):", "sha-256=:not base64!:",
        "sha-256=:\(empty):,", "=:\(empty):", "sha256=:\(empty):",
    ])
    func anythingElseIsNoDigestField(_ field: String) {
        #expect(DigestField.parse(field) == nil)
    }

    @Test(arguments: [
        (nil, ByteRange.whole), ("bytes=2-4", .part(2..<5)), ("bytes=7-", .part(7..<10)), ("bytes=-3", .part(7..<10)),
        ("bytes=5-99", .part(5..<10)), ("bytes=-99", .part(0..<10)), ("Bytes=0-0", .part(0..<1)),
        ("bytes=0-99999999999999999999", .part(0..<10)), ("bytes=10-", .unsatisfiable), ("bytes=-0", .unsatisfiable),
        ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=4-2", .whole), ("bytes=a-b", .whole),
        ("bytes=-", .whole), ("bytes=0-1,3-4", .whole), ("lines=0-1", .whole), ("bytes=", .whole),
        ("bytes=--3", .whole), ("bytes=+1-2", .whole),
    ])
    func aRangeOfTenBytes(_ field: String?, _ expected: ByteRange) {
        #expect(ByteRange.parse(field, size: 10) == expected)
    }

    @Test func noRangeOfNothingIsSatisfiable() {
        #expect(ByteRange.parse("bytes=0-", size: 0) == .unsatisfiable)
        #expect(ByteRange.parse("bytes=-5", size: 0) == .unsatisfiable)
    }

    @Test(arguments: [
        ("secret", "secret", true), ("Secret", "secret", false), ("secre", "secret", false),
        ("secretsecret", "secret", false), ("", "secret", false), ("", "", true), ("x", "", false),
    ])
    func secretsAreEqualOnlyToThemselves(_ given: String, _ secret: String, _ isEqual: Bool) {
        #expect(isEqualInConstantTime(given, secret) == isEqual)
    }

    @Test(arguments: [
        ("1700000000", nil, 1_700_000_000_000_000_000, 0o644),
        ("1700000000.25", "600", 1_700_000_000_250_000_000, 0o600),
        ("0.000000001", "100755", 1, 0o755), ("-1.5", "4755", -1_500_000_000, 0o755),
        ("1.0000000019", "0", 1_000_000_001, 0o400),
    ])
    func metadataIsRead(_ mtime: String, _ mode: String?, _ nanoseconds: Int64, _ permissions: UInt32) throws {
        let metadata = try #require(ObjectMetadata(mtime: mtime, mode: mode))
        #expect(metadata.modified?.nanoseconds == nanoseconds)
        #expect(metadata.permissions == permissions)
    }

    @Test(
        arguments: [
            ("", nil), ("1.", nil), (".5", nil), ("1e9", nil), ("9300000000", nil), ("1.2.3", nil), (nil, "9"),
            (nil, ""),
            (nil, "-7"),
        ] as [(String?, String?)])
    func metadataThatCannotBeReadIsNone(_ mtime: String?, _ mode: String?) {
        #expect(ObjectMetadata(mtime: mtime, mode: mode) == nil)
    }

    @Test func datesAreWrittenAsTheStandardHasIt() {
        let moment = Timestamp(seconds: 784_111_777, nanoseconds: 999)
        #expect(HTTPDate.format(moment) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.format(Timestamp(nanoseconds: -1)) == "Wed, 31 Dec 1969 23:59:59 GMT")
    }

    @Test(arguments: [
        (nil, false), ("*", true), ("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("\"b\"", false),
        ("a", false),
    ])
    func entityTagsMatch(_ field: String?, _ isMatch: Bool) {
        #expect(EntityTags.match(field, "\"a\"") == isMatch)
    }

    @Test(arguments: [
        "a", "a/b c.txt", "\u{e9}/e\u{301}", "...", ".incoming.txt", "a/.incoming", "x\ny", "..a",
    ])
    func namesThatAreTaken(_ name: String) throws {
        #expect(try PublicName.parse(name).text == name)
        #expect(
            try PublicName.parse(encoded: PercentEncoding.encode(name).replacing("%2F", with: "/")[...]).text == name)
    }

    @Test(arguments: [
        "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a\0b", ".incoming", ".incoming/x",
        String(repeating: "a", count: 256), String(repeating: "abcdefg/", count: 600) + "a",
    ])
    func namesThatAreRefused(_ name: String) {
        #expect(throws: Refusal.self) { try PublicName.parse(name) }
    }

    @Test(arguments: ["%2e%2e/a", "a/%2e%2e/b", "a%2Fb", "%00", "%", "%zz", "%ff", "%2Eincoming/x", "a/%2e"])
    func encodedNamesThatAreRefused(_ name: String) {
        #expect(throws: Refusal.self) { try PublicName.parse(encoded: name[...]) }
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("LocalHost", true), ("0.0.0.0", false), ("::", false),
        ("127.evil.example.org", false), ("127.0.0.1.example.org", false), ("10.0.0.1", false), ("127.0.0.999", false),
    ])
    func onlyLoopbackIsLoopback(_ host: String, _ isLoopback: Bool) {
        #expect(UploadServerConfiguration(directory: "", host: host).isLoopback == isLoopback)
    }

    @Test(arguments: [
        ("127.0.0.1", nil, "http://127.0.0.1:80/files/a%20b"), ("::1", nil, "http://[::1]:80/files/a%20b"),
        ("0.0.0.0", "https://x.example/up//", "https://x.example/up/files/a%20b"),
    ])
    func urlsOfPublishedFiles(_ host: String, _ publicURL: String?, _ expected: String) throws {
        let location = PublicLocation(UploadServerConfiguration(directory: "", host: host, publicURL: publicURL))
        #expect(try location.url(of: UploadPath("a b"), port: 80) == expected)
    }

    @Test func everyRefusalIsAProblemOfItsStatus() {
        let refusals: [(Refusal, Int, NativeProtocol.ProblemType)] = [
            (.malformed(""), 400, .malformed), (.badName(""), 400, .badName), (.unauthorized, 401, .unauthorized),
            (.noSuchRoute, 404, .notFound), (.methodNotAllowed(allowed: "GET"), 405, .notFound),
            (.lengthRequired, 411, .lengthRequired), (.tooLarge(limit: 1, ""), 413, .tooLarge),
            (.typeRefused("a/b", allowed: []), 415, .typeRefused),
            (.rangeNotSatisfiable(size: 1), 416, .notSatisfiable),
            (.store(.unknownSession), 404, .unknownSession), (.store(.noSuchFile), 404, .notFound),
            (.store(.sessionClosed), 409, .sessionClosed), (.store(.superseded), 408, .conflict),
            (.store(.nameTaken("")), 409, .conflict), (.store(.finalizedDifferently), 409, .sessionClosed),
            (.store(.outdated), 409, .conflict),
            (.store(.missingChunks([1])), 409, .missingChunks), (.store(.digestMismatch), 400, .digestMismatch),
            (.store(.bodyBroken), 400, .malformed), (.store(.tooManySessions), 429, .tooMany),
            (.store(.diskFull), 507, .diskFull), (.store(.beyondFilesystem), 413, .tooLarge),
            (.store(.shuttingDown), 503, .internalError), (.store(.system(call: "x", errno: 5)), 500, .internalError),
        ]
        for (refusal, status, type) in refusals {
            #expect(refusal.problem.status == status)
            #expect(refusal.problem.knownType == type)
        }
        let types = Set(refusals.map(\.2))
        #expect(types == Set(NativeProtocol.ProblemType.allCases), "each type of problem has its cause")
    }
}
