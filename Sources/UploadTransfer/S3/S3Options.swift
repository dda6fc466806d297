/// Wishes about an S3 destination.
package struct S3Options: Sendable, Hashable {
    /// Parts of one file under way at once.
    package var parallelChunks: Int
    /// How long the answer may take once the bytes are sent.
    package var putAnswerTime: Duration
    /// How long the parts may take to become an object: minutes, with many.
    package var finishAnswerTime: Duration

    package init(
        parallelChunks: Int = 3, putAnswerTime: Duration = .seconds(60), finishAnswerTime: Duration = .seconds(600)
    ) {
        self.parallelChunks = max(1, parallelChunks)
        self.putAnswerTime = putAnswerTime
        self.finishAnswerTime = finishAnswerTime
    }
}

/// "Amazon S3 multipart upload limits".
package enum S3Limits {
    package static let smallestPart: Int64 = 5 << 20
    package static let largestPart: Int64 = 5 << 30
    package static let mostParts = 10_000
    package static let firstPart: Int64 = 8 << 20
}
