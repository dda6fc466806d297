import HTTPTypes
import Testing

@testable import UploadTransfer

struct RetryAfterTests {
    @Test(
        arguments: [
            ("0", .zero), ("120", .seconds(120)), ("-1", nil), ("1.5", nil), ("soon", nil), ("", nil),
            ("Sun, 06 Nov 1994 08:49:47 GMT", .seconds(10)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", .zero),
        ] as [(String, Duration?)])
    func `seconds or a date, and never a negative time`(text: String, expected: Duration?) {
        #expect(RetryAfter.delay([.retryAfter: text], now: 784_111_777) == expected)
    }

    @Test func `the server's own clock is the one that counts`() {
        let fields: HTTPFields = [
            .retryAfter: "Sun, 06 Nov 1994 08:49:47 GMT", .date: "Sun, 06 Nov 1994 08:49:40 GMT",
        ]
        #expect(RetryAfter.delay(fields, now: 0) == .seconds(7))
    }

    @Test func `nothing said is nothing known`() {
        #expect(RetryAfter.delay([:], now: 0) == nil)
    }

    /// The three examples of RFC 9110, and what only looks like them.
    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800),
            ("Fri, 01-Jan-27 00:00:00 GMT", 1_798_761_600),
            ("Sun, 06 Foo 1994 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49 GMT", nil), ("06 Nov 1994", nil),
            ("Sun, 32 Nov 1994 08:49:37 GMT", nil),
        ] as [(String, Int?)])
    func `dates in all three forms`(text: String, expected: Int?) {
        #expect(HTTPDate.seconds(text) == expected)
    }
}
