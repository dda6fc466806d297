import Glibc
import UploadCore

/// The files of one session that are written while it goes on. Held by the requests that use them, so that an
/// idle session keeps no descriptor open.
final class SessionFiles: Sendable {
    let directory: OpenFile
    let data: OpenFile
    let log: OpenFile

    /// - Parameter incoming: the directory that the session's own lies in.
    init(of id: SessionIdentifier, in incoming: OpenFile) throws(StoreError) {
        directory = try Self.openDirectory(of: id, in: incoming)
        data = try .open(Self.dataName, below: directory, flags: O_RDWR)
        log = try .open(Self.logName, below: directory, flags: O_RDWR | O_CREAT)
    }

    static func openDirectory(of id: SessionIdentifier, in incoming: OpenFile) throws(StoreError) -> OpenFile {
        try .open(id.text, below: incoming, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    /// The bytes, each chunk in its place.
    static let dataName = "data"
    /// What `ChunkLog` writes.
    static let logName = "chunks"
    /// `SessionParameters`; written last when a session is made, so that where it is, all is.
    static let parametersName = "session.json"
    /// `PublishedObject`; written before the data is renamed away. Data gone and this there: it was published.
    static let publishedName = "finalize.json"
}

/// What a session was begun with, as `session.json` keeps it.
struct SessionParameters: Codable, Sendable, Hashable {
    var name: String
    var contentType: String
    var chunkSize: Int64
    var metadata: [String: String]
}

/// What a finalized session was published as, so that the same question gets the same answer.
struct PublishedObject: Codable, Sendable, Hashable {
    var name: String
    var size: Int64
    /// In hexadecimal.
    var digest: String
}
