import HTTPTypes

/// The metadata service of an EC2 instance, of its second version alone ("IMDS credential provider", AWS SDKs and Tools
/// Reference Guide; "Use the Instance Metadata Service to access instance metadata", Amazon EC2 User Guide).
struct InstanceService: Sendable, Hashable {
    let endpoint: HTTPEndpoint
    /// What to say where there is none: why we looked for it.
    let otherwise: String

    /// - Returns: nil when it is not to be asked.
    init?(_ settings: CredentialSettings, otherwise: String) throws(S3CredentialFailure) {
        let environment = settings.environment
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
        let isNew = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.lowercased() == "ipv6"
        let standard = isNew ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
        guard let endpoint = HTTPEndpoint(environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? standard) else {
            throw .configuration("AWS_EC2_METADATA_SERVICE_ENDPOINT must be a URL such as http://169.254.169.254.")
        }
        self.endpoint = endpoint
        self.otherwise = otherwise
    }
}

extension CredentialFetcher {
    /// Six hours: the longest that the service gives.
    private static let tokenLife = ["X-aws-ec2-metadata-token-ttl-seconds": "21600"] as KeyValuePairs

    func fetch(_ service: InstanceService) async throws(S3CredentialFailure) -> CredentialLease {
        let token = String(
            decoding: try await ask(
                service, .put, "/latest/api/token", Self.tokenLife, missing: "nobody answers as one does"),
            as: UTF8.self)
        let words = ["X-aws-ec2-metadata-token": token] as KeyValuePairs
        let roles = "/latest/meta-data/iam/security-credentials/"
        let list = try await ask(service, .get, roles, words, missing: "the instance has no role")
        guard let role = String(decoding: list, as: UTF8.self).split(whereSeparator: \.isNewline).first else {
            throw none(service, "the instance has no role")
        }
        let answer = try await ask(
            service, .get, roles + role, words,
            missing: "the instance has no credentials of its role")
        guard let document = CredentialDocument(answer) else {
            throw .passing("\(service.endpoint.host) gave an answer without credentials. It is tried again by itself.")
        }
        guard document.code ?? "Success" == "Success", let lease = document.lease else {
            throw none(service, "the instance's role gives no credentials (\(document.code ?? ""))")
        }
        return lease
    }

    /// - Parameter missing: what it means that there is no such thing.
    private func ask(
        _ service: InstanceService, _ method: HTTPRequest.Method, _ path: String,
        _ fields: KeyValuePairs<String, String>, missing: String
    ) async throws(S3CredentialFailure) -> [UInt8] {
        // Where there is no such service, nothing but time tells.
        let request = TransferRequest(
            method: method, url: service.endpoint.url + path, fields: HTTPFields(named: fields),
            body: method == .put ? .bytes([]) : .none, operation: "credentials", answerTime: .seconds(2),
            connectTime: .seconds(1))
        let response: TransferResponse
        do throws(S3CredentialFailure) {
            response = try await ask(request, of: service.endpoint.host, tries: 2)
        } catch {
            // The first question: there was nobody to begin with.
            guard method == .put, case .passing = error else { throw error }
            throw none(service, "this is no EC2 instance: \(service.endpoint.host) does not answer")
        }
        if response.isSuccess { return response.body }
        guard !response.isPassing else {
            throw .passing(
                "EC2's metadata service \(service.endpoint.host) can't answer now (HTTP status \(response.status)). "
                    + "It is tried again by itself.")
        }
        throw none(service, missing)
    }

    private func none(_ service: InstanceService, _ why: String) -> S3CredentialFailure {
        .configuration("There are no credentials for S3: \(service.otherwise), and \(why).")
    }
}
