/// One name in a directory, compared byte by byte.
///
/// Linux names are bytes: "é" written as one code point and as two are different files, though
/// Swift's String calls them equal. Names that are no UTF-8 can't be told to a destination (S3 keys,
/// JSON and URLs are UTF-8), so they are refused where they come in.
package struct FileName: Sendable, CustomStringConvertible {
    package let text: String

    /// The longest name Linux allows, in bytes (NAME_MAX).
    package static let maximumLength = 255

    /// - Parameter bytes: what the kernel hands over, without the final NUL.
    /// - Throws: what is wrong with it.
    package init(bytes: some Collection<UInt8>) throws(FileNameError) {
        guard bytes.count <= Self.maximumLength else { throw .tooLong }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        try self.init(text)
    }

    package init(_ text: String) throws(FileNameError) {
        guard text.utf8.count <= Self.maximumLength else { throw .tooLong }
        guard !text.isEmpty, text != ".", text != "..", !text.utf8.contains(0), !text.utf8.contains(UInt8(ascii: "/"))
        else { throw .notAName }
        self.text = text
    }

    package var description: String { text }

    /// What follows the last dot, in lower case; nil when there is none, or nothing before it.
    package var pathExtension: String? {
        guard let dot = text.lastIndex(of: "."), dot != text.startIndex else { return nil }
        let suffix = text[text.index(after: dot)...]
        return suffix.isEmpty ? nil : suffix.lowercased()
    }
}

package enum FileNameError: Error, Sendable, Equatable {
    /// More than 255 bytes: ENAMETOOLONG.
    case tooLong
    /// Bytes that are no UTF-8: EILSEQ.
    case notUTF8
    /// Empty, ".", "..", or with a slash or NUL in it: EINVAL.
    case notAName
}

extension FileName: Hashable, Comparable {
    package static func == (one: FileName, other: FileName) -> Bool {
        one.text.utf8.elementsEqual(other.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }

    package static func < (one: FileName, other: FileName) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }
}
