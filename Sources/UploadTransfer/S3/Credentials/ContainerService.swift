import FoundationEssentials
import Glibc
import HTTPTypes

/// What gives credentials to a container: ECS's agent, EKS's, Greengrass ("Container credential provider", AWS SDKs and
/// Tools Reference Guide).
struct ContainerService: Sendable, Hashable {
    let url: String
    let authorization: Authorization

    enum Authorization: Sendable, Hashable {
        case none
        case token(HiddenText)
        /// Read anew each time: tokens are replaced.
        case file(String)
    }

    /// - Returns: nil when the environment names none.
    init?(_ settings: CredentialSettings) throws(S3CredentialFailure) {
        let environment = settings.environment
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/") else {
                throw .configuration("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with \"/\".")
            }
            url = "http://169.254.170.2\(path)"
        } else if let whole = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            guard Self.mayBeAsked(whole) else {
                throw .configuration(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI must be a URL of https, or one of http with the host "
                        + "localhost, 127.0.0.1, [::1], 169.254.170.2, 169.254.170.23 or [fd00:ec2::23].")
            }
            url = whole
        } else {
            return nil
        }
        if let file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            authorization = .file(file)
        } else if let token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
            guard !token.contains(where: \.isNewline) else {
                throw .configuration("AWS_CONTAINER_AUTHORIZATION_TOKEN must be of one line.")
            }
            authorization = .token(HiddenText(token))
        } else {
            authorization = .none
        }
    }

    /// Without TLS, only who is on this machine or belongs to AWS is shown a token and believed.
    private static func mayBeAsked(_ url: String) -> Bool {
        guard let parts = URLComponents(string: url, encodingInvalidCharacters: false), parts.user == nil,
            let host = parts.encodedHost?.lowercased(), !host.isEmpty
        else { return false }
        if parts.scheme == "https" { return true }
        return parts.scheme == "http" && (places.contains(host) || isLoopback(host))
    }

    private static let places: Set = [
        "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
    ]

    /// 127.0.0.0/8, and not a name that looks like it.
    private static func isLoopback(_ host: String) -> Bool {
        var address = in_addr()
        return host.hasPrefix("127.") && inet_pton(AF_INET, host, &address) == 1
    }
}

extension CredentialFetcher {
    func fetch(_ service: ContainerService) async throws(S3CredentialFailure) -> CredentialLease {
        var fields = HTTPFields(named: ["Accept": "application/json"])
        switch service.authorization {
        case .none: break
        case .token(let token): fields[.authorization] = token.value
        case .file(let path):
            guard let token = secret(in: path) else {
                throw .configuration(
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is \(path), which can't be read, or is not one line.")
            }
            fields[.authorization] = token.value
        }
        let host = Authority(of: service.url).host
        let request = TransferRequest(
            method: .get, url: service.url, fields: fields, operation: "credentials", answerTime: .seconds(5),
            connectTime: .seconds(1))
        let response = try await ask(request, of: "the container's credential service \(host)", tries: 2)
        if response.isSuccess, let lease = CredentialDocument(response.body)?.lease { return lease }
        let sentence =
            "The container's credential service \(host) gave no credentials (HTTP status \(response.status))."
        guard !response.isPassing, !response.isSuccess else {
            throw .passing("\(sentence) It is tried again by itself.")
        }
        throw .configuration("\(sentence) Give the task or pod a role, and start it again.")
    }
}
