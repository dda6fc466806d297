import UploadCore

/// What else travels with an object, by its name: "Amazon S3 API reference, PutObject", request headers.
///
/// Written as `NAME=VALUE` for all objects, or `PATTERN NAME=VALUE` for those whose names fit, separated by ";". A value
/// may stand in quotes ("…"), and have a ";" then. Of several for one name the last counts.
package struct S3ObjectRules: Sendable, Hashable {
    private struct Rule: Sendable, Hashable {
        /// nil: all.
        let pattern: String?
        let field: String
        let value: String
    }

    private var rules: [Rule] = []

    package init() {}

    /// What can be told, and the fields that do.
    private static let fields = [
        "storage-class": "x-amz-storage-class", "acl": "x-amz-acl", "sse": "x-amz-server-side-encryption",
        "sse-kms-key": "x-amz-server-side-encryption-aws-kms-key-id", "tag": "x-amz-tagging",
        "cache-control": "cache-control", "content-disposition": "content-disposition",
        "content-encoding": "content-encoding", "content-language": "content-language",
        "content-type": "content-type",
    ]

    /// Their names, for who wrote another one.
    package static var names: String { fields.keys.sorted().joined(separator: ", ") }

    /// - Returns: nil when it is none.
    package init?(_ text: String) {
        var isQuoted = false
        let parts = text.split { character in
            if character == "\"" { isQuoted.toggle() }
            return character == ";" && !isQuoted
        }
        guard !isQuoted else { return nil }
        for part in parts {
            let rule = part.trimmed
            guard !rule.isEmpty else { continue }
            guard let equals = rule.firstIndex(of: "=") else { return nil }
            let words = rule[..<equals].split(separator: " ", omittingEmptySubsequences: true)
            guard (1...2).contains(words.count), let name = words.last else { return nil }
            var value = rule[rule.index(after: equals)...].trimmed
            if value.count > 1, value.hasPrefix("\""), value.hasSuffix("\"") {
                value = String(value.dropFirst().dropLast())
            }
            guard set(String(name), to: value, for: words.count == 2 ? String(words[0]) : nil) else { return nil }
        }
    }

    /// - Parameter pattern: of names, such as "*.html"; nil: all.
    /// - Returns: false when there is no such thing, or the value could not stand in a field.
    @discardableResult
    package mutating func set(_ name: String, to value: String, for pattern: String? = nil) -> Bool {
        guard let field = Self.fields[name], !value.isEmpty, value.utf8.allSatisfy({ (0x20..<0x7f).contains($0) })
        else { return false }
        rules.append(Rule(pattern: pattern, field: field, value: value))
        return true
    }

    /// Those count more.
    package mutating func append(_ more: S3ObjectRules) {
        rules += more.rules
    }

    /// For the object of this name, in the order of their names.
    func fields(for path: UploadPath) -> [(name: String, value: String)] {
        var fields: [String: String] = [:]
        for rule in rules {
            if let pattern = rule.pattern, path.name.map({ NamePattern(pattern).matches($0) }) != true { continue }
            fields[rule.field] = rule.value
        }
        return fields.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    /// Whether an object of this name goes where nobody can read it, nor copy it, before it is brought back.
    func archives(_ path: UploadPath) -> Bool {
        fields(for: path).contains {
            $0.name == Self.fields["storage-class"] && ["GLACIER", "DEEP_ARCHIVE"].contains($0.value)
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
