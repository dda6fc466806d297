/// Says what a path's names tell about its file. Both lists are settings. DESIGN, "Names".
///
/// Patterns match whole names, byte for byte: `*` stands for anything (also nothing), `?` for one
/// character. `XXXXXX` at the end of a pattern stands for six characters as mkstemp(3) and rsync draw
/// them: ASCII letters and digits, more than one of lower case, upper case and digits among them, so
/// that `.file.txt.aB3dE9` is temporary while `.env.sample` and `.notes.README` are not.
package struct NameClassifier: Sendable {
    private let temporary: [NamePattern]
    private let litter: [NamePattern]

    /// Browsers, GNOME, rsync, backup copies of editors, vim.
    package static let defaultTemporary = [
        "*.part", "*.partial", "*.filepart", "*.crdownload", "*.tmp", ".goutputstream-*", ".*.XXXXXX", "*~", ".*.swp",
        ".*.swx", "4913",
    ]
    /// macOS, Windows, and the trash directory of Linux desktops with all that lies in it.
    package static let defaultLitter = [".DS_Store", "._*", "Thumbs.db", "desktop.ini", ".Trash-*"]

    package init(
        temporary: [String] = NameClassifier.defaultTemporary, litter: [String] = NameClassifier.defaultLitter
    ) {
        self.temporary = temporary.map(NamePattern.init)
        self.litter = litter.map(NamePattern.init)
    }

    /// A litter name anywhere on the way makes litter of all below it; a temporary name counts only
    /// where it is the file's own, for a directory is never renamed "into place" file by file.
    package func classify(_ path: UploadPath) -> NameClass {
        let names = path.components.map { Array($0.text.unicodeScalars) }
        if names.contains(where: { name in litter.contains { $0.matches(name) } }) { return .litter }
        guard let name = names.last else { return .ordinary }
        return temporary.contains { $0.matches(name) } ? .temporary : .ordinary
    }
}

/// One pattern of the lists above.
package struct NamePattern: Sendable {
    private let scalars: [Unicode.Scalar]
    private let endsRandomly: Bool

    private static let random = Array("XXXXXX".unicodeScalars)

    package init(_ text: String) {
        let all = Array(text.unicodeScalars)
        endsRandomly = all.count > Self.random.count && all.suffix(Self.random.count).elementsEqual(Self.random)
        scalars = endsRandomly ? all.dropLast(Self.random.count) : all
    }

    package func matches(_ name: FileName) -> Bool { matches(Array(name.text.unicodeScalars)) }

    fileprivate func matches(_ name: [Unicode.Scalar]) -> Bool {
        var rest = name[...]
        if endsRandomly {
            guard Self.isRandom(rest.suffix(Self.random.count)) else { return false }
            rest = rest.dropLast(Self.random.count)
        }
        return Self.matches(scalars[...], rest)
    }

    private static func isRandom(_ suffix: ArraySlice<Unicode.Scalar>) -> Bool {
        guard suffix.count == random.count else { return false }
        var kinds = Set<Int>()
        for scalar in suffix {
            switch scalar {
            case "a"..."z": kinds.insert(0)
            case "A"..."Z": kinds.insert(1)
            case "0"..."9": kinds.insert(2)
            default: return false
            }
        }
        return kinds.count > 1
    }

    /// Goes back to the last star only: linear in most cases, never exponential.
    private static func matches(_ pattern: ArraySlice<Unicode.Scalar>, _ text: ArraySlice<Unicode.Scalar>) -> Bool {
        var pattern = pattern
        var text = text
        var retry: (pattern: ArraySlice<Unicode.Scalar>, text: ArraySlice<Unicode.Scalar>)?
        while true {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                retry = (pattern, text)
            } else if let wanted = pattern.first, let found = text.first, wanted == "?" || wanted == found {
                pattern = pattern.dropFirst()
                text = text.dropFirst()
            } else if pattern.isEmpty, text.isEmpty {
                return true
            } else if let last = retry, !last.text.isEmpty {
                retry = (last.pattern, last.text.dropFirst())
                pattern = last.pattern
                text = last.text.dropFirst()
            } else {
                return false
            }
        }
    }
}
