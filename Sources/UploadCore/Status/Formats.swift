/// Bytes for people: decimal units, three digits at the most.
package enum ByteFormat {
    /// - Returns: for example "0 B", "999 B", "1.5 kB", "42 MB".
    package static func text(_ bytes: Int64) -> String {
        guard bytes.magnitude >= 1000 else { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = ""
        for next in ["kB", "MB", "GB", "TB", "PB", "EB"] {
            value /= 1000
            unit = next
            // 999.5 would be shown as 1000 of this unit.
            if value.magnitude < 999.5 { break }
        }
        return value.magnitude < 9.95 ? "\(tenths(value)) \(unit)" : "\(Int(value.rounded())) \(unit)"
    }

    package static func rate(_ bytesPerSecond: Double) -> String {
        text(Int64(bytesPerSecond.rounded())) + "/s"
    }

    /// One digit behind the point.
    package static func tenths(_ value: Double) -> String {
        let scaled = Int64((value * 10).rounded())
        return "\(scaled < 0 ? "-" : "")\(scaled.magnitude / 10).\(scaled.magnitude % 10)"
    }
}

/// Durations for people: the two greatest units.
package enum DurationFormat {
    /// - Returns: for example "0s", "42s", "3m 12s", "7d".
    package static func text(_ duration: Duration) -> String {
        let total = duration.components.seconds
        let parts = [(total / 86400, "d"), (total % 86400 / 3600, "h"), (total % 3600 / 60, "m"), (total % 60, "s")]
        let first = parts.firstIndex { $0.0 > 0 } ?? 3
        return parts[first...].prefix(2).filter { $0.0 > 0 || first == 3 }.map { "\($0.0)\($0.1)" }
            .joined(separator: " ")
    }
}

/// RFC 3339 in UTC with milliseconds.
package enum TimeFormat {
    package static func text(_ time: Timestamp) -> String {
        let days = time.seconds >= 0 ? time.seconds / 86400 : (time.seconds - 86399) / 86400
        let second = time.seconds - days * 86400
        let (year, month, day) = civil(days)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(second / 3600, 2)):"
            + "\(padded(second % 3600 / 60, 2)):\(padded(second % 60, 2)).\(padded(time.fraction / 1_000_000, 3))Z"
    }

    /// The Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin in March.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

/// Names as they may stand on one line: control characters, quotes and backslashes become escapes.
package enum NameFormat {
    package static func text(_ path: UploadPath) -> String { text(path.text) }

    package static func text(_ name: String) -> String {
        var text = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case "\\": text += "\\\\"
            case _ where scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format:
                text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
