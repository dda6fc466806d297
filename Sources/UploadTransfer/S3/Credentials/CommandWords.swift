/// A command line as a POSIX shell takes it apart, and no more of what a shell does: no variables, no wildcards, no
/// operators ("Token Recognition" and "Quoting", POSIX.1-2017, Shell Command Language).
enum CommandWords {
    /// - Returns: nil when a quote is not closed.
    static func split(_ line: String) -> [String]? {
        var words: [String] = []
        // nil between words: "" is a word, too.
        var word: String.UnicodeScalarView?
        var quote: Unicode.Scalar?
        var rest = line.unicodeScalars[...]
        func append(_ scalars: Unicode.Scalar...) { word = (word ?? .init()) + scalars }
        while let scalar = rest.popFirst() {
            switch (quote, scalar) {
            case (scalar?, _): quote = nil
            case (nil, "'"), (nil, "\""):
                quote = scalar
                append()
            case (nil, "\\"):
                guard let next = rest.popFirst() else { return nil }
                append(next)
            case ("\"", "\\"):
                guard let next = rest.popFirst() else { return nil }
                // Before anything else it is a character like others.
                if next == "\"" || next == "\\" { append(next) } else { append(scalar, next) }
            case (nil, _) where scalar.properties.isWhitespace:
                if let ended = word { words.append(String(ended)) }
                word = nil
            case (_, _): append(scalar)
            }
        }
        guard quote == nil else { return nil }
        if let word { words.append(String(word)) }
        return words
    }
}
