import Foundation
import FoundationXML

/// An element of an answer's XML. S3's are small and flat, and their namespaces tell nothing.
struct S3Element: Sendable, Hashable {
    let name: String
    var text = ""
    var children: [S3Element] = []

    /// The first child of that name.
    subscript(_ name: String) -> S3Element? { children.first { $0.name == name } }

    func all(_ name: String) -> [S3Element] { children.filter { $0.name == name } }
}

enum S3Document {
    /// - Returns: the root; nil for what is no XML. White space that is sent ahead to keep the connection alive does no
    ///   harm.
    static func parse(_ bytes: [UInt8]) -> S3Element? {
        let text = bytes.drop { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
        guard !text.isEmpty else { return nil }
        let parser = XMLParser(data: Data(text))
        parser.shouldResolveExternalEntities = false
        let builder = Builder()
        parser.delegate = builder
        return parser.parse() ? builder.root : nil
    }

    /// Text between tags.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    private final class Builder: NSObject, XMLParserDelegate {
        var root: S3Element?
        private var open: [S3Element] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            open.append(S3Element(name: String(name.split(separator: ":").last ?? "")))
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) {
            if let last = open.indices.last { open[last].text += text }
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
        ) {
            guard let element = open.popLast() else { return }
            if let last = open.indices.last { open[last].children.append(element) } else { root = element }
        }
    }
}
