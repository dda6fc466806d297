extension FailureSentences {
    /// The destination could not be asked what lies there.
    package static func listing(_ error: DestinationError) -> Failure {
        guard case .forbidden(let status, let detail) = error else { return failure(for: error) }
        return Failure(
            code: "list-denied", reason: "Our credentials may not list what lies there (HTTP \(status)): \(detail)",
            remedy: "Have that right granted (S3: s3:ListBucket for the bucket), or mount without --list.")
    }
}
