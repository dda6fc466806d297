import Hummingbird
import UploadCore

extension UploadRoutes {
    /// GET /upload/limits
    func limits() throws(Refusal) -> Response {
        try Answers.json(
            NativeProtocol.LimitsResponse(
                chunkSize: NativeProtocol.chunkSize, maxFileSize: configuration.maximumFileSize,
                allowedTypes: configuration.allowedTypes))
    }

    /// GET / and GET /health
    func health() throws(Refusal) -> Response {
        try Answers.json(Health(service: "uploadfs", version: UploadCore.version, openUploads: store.openSessions))
    }

    private struct Health: Encodable {
        let service: String
        let version: String
        let openUploads: Int
    }
}
