import UploadCore

/// The bearer token of a destination or server. From the environment, or from a file that is read
/// again for each request, so that a new token needs no remount. Never an option: those are seen by
/// everybody in the process list.
struct Credentials: Sendable {
    private let file: String?
    private let fromEnvironment: String?

    /// - Throws: CommandFailure (78) when the file can't be read or is empty.
    init(file: String?) throws(CommandFailure) {
        self.file = file
        fromEnvironment = Environment.value("UPLOADFS_TOKEN")
        guard let file else { return }
        guard let token = Self.token(in: try SmallFile.read(file)), !token.isEmpty else {
            throw CommandFailure(
                .configuration, "The token file \(file) is empty: put the bearer token into it, on one line.")
        }
    }

    /// nil when there is none. A file that has become unreadable is as good as none.
    var token: String? {
        guard let file else { return fromEnvironment }
        return (try? SmallFile.read(file)).flatMap(Self.token)
    }

    private static func token(in text: String) -> String? {
        text.split(whereSeparator: \.isWhitespace).first.map(String.init)
    }
}
