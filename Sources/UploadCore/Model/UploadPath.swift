/// Where a file lies below the mount, and where it will lie at the destination: names joined by "/",
/// without a leading slash. Made of checked names, so that it can't climb out of anything.
package struct UploadPath: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let components: [FileName]

    package init(_ components: [FileName]) {
        self.components = components
    }

    /// - Parameter text: for example "photos/2026/a b.jpg".
    /// - Throws: when one of the names is not one; "", "/a", "a//b" and "a/../b" all fail.
    package init(_ text: String) throws(FileNameError) {
        var components: [FileName] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false) {
            components.append(try FileName(String(part)))
        }
        self.components = components
    }

    package var text: String { components.map(\.text).joined(separator: "/") }
    package var description: String { text }
    package var name: FileName? { components.last }

    package func appending(_ name: FileName) -> UploadPath {
        UploadPath(components + [name])
    }

    package static func < (one: UploadPath, other: UploadPath) -> Bool {
        one.components.lexicographicallyPrecedes(other.components)
    }

    /// The path as it stands in a URL: every byte percent-encoded that RFC 3986 does not call
    /// unreserved, slashes between names kept.
    package var percentEncoded: String {
        components.map { PercentEncoding.encode($0.text) }.joined(separator: "/")
    }
}

/// RFC 3986, section 2: everything but unreserved characters becomes %XX.
package enum PercentEncoding {
    package static func encode(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(hex[Int(byte >> 4)])
                bytes.append(hex[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// - Returns: nil for a broken escape, or when what comes out is not UTF-8.
    package static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
