/// Wishes about an S3 destination.
package struct S3Options: Sendable, Hashable {
    /// Parts of one file under way at once.
    package var parallelChunks: Int
    /// How long the answer may take once the bytes are sent.
    package var putAnswerTime: Duration
    /// How long the parts may take to become an object: minutes, with many.
    package var finishAnswerTime: Duration

    /// What is done where another one has the name.
    package var onConflict: ConflictRule
    /// What else travels with an object.
    package var rules: S3ObjectRules
    /// Bytes that the server copies in one request; more in parts.
    package var largestCopy: Int64
    /// A word for this mount's state directory: what it has published is its own to replace.
    package var origin: String
    /// This machine's name, for those of conflict copies.
    package var host: String

    package init(
        parallelChunks: Int = 3, putAnswerTime: Duration = .seconds(60), finishAnswerTime: Duration = .seconds(600),
        onConflict: ConflictRule = .overwrite, rules: S3ObjectRules = S3ObjectRules(), origin: String = "",
        host: String = "", largestCopy: Int64 = S3Limits.largestCopy
    ) {
        self.largestCopy = largestCopy
        self.parallelChunks = max(1, parallelChunks)
        self.putAnswerTime = putAnswerTime
        self.finishAnswerTime = finishAnswerTime
        self.onConflict = onConflict
        self.rules = rules
        self.origin = origin
        self.host = host
    }
}

/// "Amazon S3 multipart upload limits".
package enum S3Limits {
    package static let smallestPart: Int64 = 5 << 20
    package static let largestPart: Int64 = 5 << 30
    package static let largestCopy: Int64 = 5 << 30
    package static let mostParts = 10_000
    package static let firstPart: Int64 = 8 << 20
}
