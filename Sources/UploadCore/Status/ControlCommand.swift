/// One line written to `.uploadfs/control`: a decision of somebody about a file, or about all of them. Pure.
package enum ControlCommand: Sendable, Hashable {
    /// Nothing more is sent, until `resume`.
    case pause
    case resume
    /// What was interrupted is published as it is.
    case release(UploadPath)
    /// What failed, or waits, is tried at once.
    case retry(UploadPath)
    case retryAll
    /// What failed, or was interrupted, is given up; what was closed before it comes back, if it is still here.
    case discard(UploadPath)
    /// What is on its way is given up.
    case cancel(UploadPath)

    package enum Problem: Error, Sendable, Hashable {
        case unknown(String)
        case pathMissing(String)
        case badPath(String)
        case nothingExpected(String)

        /// A sentence that names the remedy.
        package var text: String {
            switch self {
            case .unknown(let word):
                "\"\(word)\" is no command: pause, resume, release PATH, retry PATH, retry all, discard PATH, cancel PATH."
            case .pathMissing(let word): "\"\(word)\" needs a path below the mountpoint, such as: \(word) dir/file"
            case .badPath(let path): "\"\(path)\" is no path below the mountpoint."
            case .nothingExpected(let word): "\"\(word)\" stands alone on its line."
            }
        }
    }

    /// - Parameter line: without its line feed. The path is the rest of the line as it stands, spaces and all.
    /// - Returns: nil for an empty line.
    package static func parse(_ line: String) throws(Problem) -> ControlCommand? {
        let word = String(line.prefix { $0 != " " })
        let rest = String(line.dropFirst(word.count).drop { $0 == " " })
        if word.isEmpty && rest.isEmpty { return nil }
        func path() throws(Problem) -> UploadPath {
            guard !rest.isEmpty else { throw .pathMissing(word) }
            guard let path = try? UploadPath(rest), !path.components.isEmpty else { throw .badPath(rest) }
            return path
        }
        switch word {
        case "pause", "resume":
            guard rest.isEmpty else { throw .nothingExpected(word) }
            return word == "pause" ? .pause : .resume
        case "release": return .release(try path())
        case "retry": return rest == "all" ? .retryAll : .retry(try path())
        case "discard": return .discard(try path())
        case "cancel": return .cancel(try path())
        default: throw .unknown(word)
        }
    }
}
