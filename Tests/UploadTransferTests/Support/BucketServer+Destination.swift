import UploadCore

@testable import UploadTransfer

extension BucketServer {
    /// A destination of a scripted bucket, which both end with `body`.
    /// - Parameter url: where it is, told the server's endpoint.
    static func with(
        _ manner: Manner = Manner(), at url: (String) -> String = { "s3://b?endpoint=\($0)&part-size=5MiB" },
        _ options: S3Options, _ body: (S3Destination, BucketServer) async throws -> Void
    ) async throws {
        let server = try BucketServer(manner)
        defer { server.stop() }
        let client = try CurlClient()
        let destination = S3Destination(
            try S3Location(url(server.endpoint)), client: client,
            credentials: FixedCredentials(S3Credentials(accessKey: "A", secretKey: "S")), options: options)
        let outcome: Result<Void, any Error>
        do {
            try await body(destination, server)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await client.shutdown()
        try outcome.get()
    }
}
