/// Sizes and durations as people write them.
package enum Quantity {
    /// - Parameter text: a number and a unit: `8MiB`, `8Mi`, `8M` (all 2²⁰), `10MB` (10⁶), `500K`, `4096`.
    /// - Returns: bytes; nil when it is none.
    package static func bytes(_ text: String) -> Int64? {
        guard let (number, unit) = split(text) else { return nil }
        let powers: [String: Int] = ["k": 1, "m": 2, "g": 3, "t": 4, "p": 5]
        var name = unit.lowercased()
        var base = 1024.0
        if name.hasSuffix("ib") {
            name.removeLast(2)
        } else if name.hasSuffix("i") {
            name.removeLast()
        } else if name.hasSuffix("b") {
            name.removeLast()
            base = 1000
        }
        guard name.isEmpty || powers[name] != nil else { return nil }
        var factor = 1.0
        for _ in 0..<(powers[name] ?? 0) { factor *= base }
        let bytes = number * factor
        guard bytes.isFinite, bytes >= 0, bytes < 9.2e18 else { return nil }
        return Int64(bytes.rounded())
    }

    /// - Parameter text: numbers with units: `250ms`, `10s`, `5m`, `1h30m`, `7d`. A bare number is seconds.
    /// - Returns: nil when it is none.
    package static func duration(_ text: String) -> Duration? {
        let units: [String: Double] = ["ms": 0.001, "s": 1, "": 1, "m": 60, "min": 60, "h": 3600, "d": 86400]
        var seconds = 0.0
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let number = Double(digits), let unit = units[name.lowercased()] else { return nil }
            seconds += number * unit
        }
        guard seconds.isFinite, seconds < 1e10 else { return nil }
        return .milliseconds(Int64((seconds * 1000).rounded()))
    }

    private static func split(_ text: String) -> (Double, Substring)? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits) else { return nil }
        return (number, text.dropFirst(digits.count))
    }
}
