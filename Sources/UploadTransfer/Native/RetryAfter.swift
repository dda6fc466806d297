import HTTPTypes

/// The Retry-After field (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// In seconds. A server that says "next year" is asked again in an hour.
    static let longest = 3600

    /// - Returns: how long to wait, never negative; nil when nothing sensible is said.
    ///
    /// A date is compared with the answer's own Date, so that a wrong clock here does no harm.
    static func delay(_ fields: HTTPFields, now: @autoclosure () -> Int) -> Duration? {
        guard let text = fields[.retryAfter] else { return nil }
        if let seconds = Int(text) { return seconds >= 0 ? .seconds(min(seconds, longest)) : nil }
        guard let until = HTTPDate.seconds(text) else { return nil }
        let from = fields[.date].flatMap(HTTPDate.seconds) ?? now()
        return .seconds(min(max(0, until - from), longest))
    }
}
