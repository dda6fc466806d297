import Glibc

/// An HTTP-date, in the three forms that a recipient must understand (RFC 9110, section 5.6.7):
///
/// | form | example |
/// | --- | --- |
/// | IMF-fixdate | Sun, 06 Nov 1994 08:49:37 GMT |
/// | RFC 850 | Sunday, 06-Nov-94 08:49:37 GMT |
/// | asctime | Sun Nov  6 08:49:37 1994 |
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// - Returns: seconds since 1970; nil for what is no such date.
    static func seconds(_ text: String) -> Int? {
        // In all three a weekday comes first, the day before the year, and the time has the colons.
        let words = text.split { " ,-".contains($0) }.dropFirst().filter { $0 != "GMT" }
        let numbers = words.compactMap { Int($0) }
        let clock = words.first { $0.contains(":") }?.split(separator: ":").compactMap { Int32($0) }
        guard words.count == 4, numbers.count == 2, let clock, clock.count == 3,
            let month = words.lazy.compactMap({ months.firstIndex(of: String($0)) }).first,
            1...31 ~= numbers[0], 0..<10_000 ~= numbers[1]
        else { return nil }
        var fields = tm()
        fields.tm_mday = Int32(numbers[0])
        fields.tm_mon = Int32(month)
        fields.tm_year = Int32(fullYear(numbers[1]) - 1900)
        (fields.tm_hour, fields.tm_min, fields.tm_sec) = (clock[0], clock[1], clock[2])
        return timegm(&fields)
    }

    /// RFC 850 has two digits of it.
    private static func fullYear(_ year: Int) -> Int {
        switch year {
        case ..<70: 2000 + year
        case ..<100: 1900 + year
        default: year
        }
    }
}
