import UploadCore

/// The names that files may have here, as they come in: in JSON as they are, in URLs percent-encoded.
enum PublicName {
    /// PATH_MAX: more than this no program could open at once.
    private static let maximumLength = 4096

    /// - Parameter text: "photos/a b.jpg".
    static func parse(_ text: String) throws(Refusal) -> UploadPath {
        guard text.utf8.count <= maximumLength else { throw .badName("It is longer than \(maximumLength) bytes.") }
        let path: UploadPath
        do throws(FileNameError) {
            path = try UploadPath(text)
        } catch {
            throw refusal(error)
        }
        guard path.components.first?.text != StoreDirectory.incomingName else {
            throw .badName("\"\(StoreDirectory.incomingName)\" is kept for unfinished uploads.")
        }
        return path
    }

    /// - Parameter text: what follows "/files/". Each name is decoded for itself, so that an encoded slash is a
    ///   character of a name (and refused), not a separator.
    static func parse(encoded text: Substring) throws(Refusal) -> UploadPath {
        var names: [FileName] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = PercentEncoding.decode(part) else {
                throw .badName("It is not UTF-8 in percent-encoding.")
            }
            do throws(FileNameError) {
                names.append(try FileName(decoded))
            } catch {
                throw refusal(error)
            }
        }
        return try parse(UploadPath(names).text)
    }

    private static func refusal(_ error: FileNameError) -> Refusal {
        switch error {
        case .tooLong: .badName("A name in it is longer than \(FileName.maximumLength) bytes.")
        case .notUTF8: .badName("It is not UTF-8.")
        case .notAName: .badName("A name in it is empty, \".\", \"..\", or has a slash or NUL in it.")
        }
    }
}
