package import UploadCore

/// What a look at a bucket has shown.
package struct S3Findings: Sendable, Hashable {
    /// What became of a request.
    package enum Outcome: Sendable, Hashable {
        case allowed
        case denied
        /// Neither; with the reason in words for people.
        case failed(String)
        /// What it needs was not there.
        case untested
    }

    /// Whether the server takes notice of something that it may know nothing of.
    package enum Support: Sendable, Hashable {
        case kept
        case ignored
        case refused
        case untested
    }

    /// Something that the look could not take away behind itself.
    package enum Leftover: Sendable, Hashable {
        case object(key: String)
        case upload(key: String, upload: String)
    }

    /// An unfinished multipart upload.
    package struct Unfinished: Sendable, Hashable {
        package let key: String
        package let upload: String
        /// In seconds since 1970; nil: the server does not say.
        package let begun: Int?
        /// Seconds; nil: the same.
        package let age: Int?

        package init(key: String, upload: String, begun: Int?, age: Int?) {
            self.key = key
            self.upload = upload
            self.begun = begun
            self.age = age
        }
    }

    /// Why nothing more was asked; nil: all was.
    package var obstacle: DestinationError?
    /// Seconds that the server's clock is ahead of ours; nil: it does not tell the time.
    package var ahead: Int?
    /// The region that its requests are signed for, as the answers told.
    package var region = ""
    /// It is another one than was set.
    package var isOtherRegion = false
    package var outcomes: [S3Ask: Outcome] = [:]
    package var conditions = Support.untested
    package var checksums = Support.untested
    package var leftovers: [Leftover] = []
    /// The old ones; nil: they could not be listed.
    package var unfinished: [Unfinished]?
    /// There are more of them.
    package var isCutShort = false

    package init() {}
}
