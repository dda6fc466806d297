/// What a person may do about a bucket, as lines for a shell (AWS CLI), and as a policy.
extension S3Location {
    package func abortCommand(key: String, upload: String) -> String {
        "aws s3api abort-multipart-upload --bucket \(Self.quoted(bucket)) --key \(Self.quoted(key)) "
            + "--upload-id \(Self.quoted(upload))\(place)"
    }

    package func removeCommand(key: String) -> String { "aws s3 rm \(Self.quoted(url(key)))\(place)" }

    package var makeCommand: String { "aws s3 mb \(Self.quoted("s3://\(bucket)"))\(place)" }

    private var place: String {
        (endpoint.map { " --endpoint-url \(Self.quoted($0.url))" } ?? "")
            + (region.map { " --region \(Self.quoted($0))" } ?? "")
    }

    /// As one word of a shell.
    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                || "-._/:@%+=".utf8.contains($0)
        }
        return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }

    /// The statements of an IAM policy that allow requests.
    /// - Returns: JSON; "" for no requests.
    package func policy(allowing asks: [S3Ask]) -> String {
        let resource = "arn:aws:s3:::\(bucket)"
        let statements = [
            statement(asks.filter { !$0.isOfBucket }, "\(resource)/\(prefix)*"),
            statement(asks.filter(\.isOfBucket), resource),
        ].compactMap { $0 }
        return statements.joined(separator: ",\n")
    }

    private func statement(_ asks: [S3Ask], _ resource: String) -> String? {
        let actions = Set(asks.flatMap(\.actions)).sorted()
        guard !actions.isEmpty else { return nil }
        let list = actions.map { "\"\($0)\"" }.joined(separator: ", ")
        return "{\"Effect\": \"Allow\", \"Action\": [\(list)], \"Resource\": \"\(resource)\"}"
    }
}
