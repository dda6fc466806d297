import Crypto
import FoundationEssentials
import HTTPTypes
import UploadCore

/// AWS Security Token Service, or what speaks its protocol ("AWS STS API Reference", AssumeRole and
/// AssumeRoleWithWebIdentity).
struct SecurityTokenService: Sendable, Hashable {
    let endpoint: HTTPEndpoint
    let region: String
}

/// A role that is taken with other credentials.
struct AssumedRole: Sendable, Hashable {
    let role: String
    /// nil: ours.
    let sessionName: String?
    let externalID: String?
    /// How long the credentials are to last; nil: as the service likes.
    let seconds: Int?
    let service: SecurityTokenService
}

/// A role that is taken with a token of somebody else whom AWS trusts, for example Kubernetes.
struct WebIdentity: Sendable, Hashable {
    /// Read anew each time: tokens are replaced.
    let tokenFile: String
    let role: String
    let sessionName: String?
    let service: SecurityTokenService
}

extension WebIdentity {
    /// - Returns: nil when the environment has none.
    init?(environmentOf settings: CredentialSettings) throws(S3CredentialFailure) {
        guard let file = settings.environment["AWS_WEB_IDENTITY_TOKEN_FILE"] else { return nil }
        guard let role = settings.environment["AWS_ROLE_ARN"] else {
            throw .configuration("AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not: set the role to take.")
        }
        self.init(
            tokenFile: file, role: role, sessionName: settings.environment["AWS_ROLE_SESSION_NAME"],
            service: try settings.tokenService())
    }
}

extension CredentialSettings {
    func tokenService() throws(S3CredentialFailure) -> SecurityTokenService {
        let region = region ?? S3Location.defaultRegion
        return SecurityTokenService(
            endpoint: try endpoint("sts", region: region, variable: "AWS_ENDPOINT_URL_STS"), region: region)
    }
}

extension CredentialFetcher {
    func assume(
        _ role: AssumedRole, with credentials: S3Credentials
    ) async throws(S3CredentialFailure) -> CredentialLease {
        var form = form("AssumeRole", role.role, role.sessionName)
        if let seconds = role.seconds { form.append(("DurationSeconds", "\(seconds)")) }
        if let identifier = role.externalID { form.append(("ExternalId", identifier)) }
        return try await ask(role.service, form, for: role.role, signedWith: credentials)
    }

    func assume(_ identity: WebIdentity) async throws(S3CredentialFailure) -> CredentialLease {
        guard let token = secret(in: identity.tokenFile) else {
            throw .configuration(
                "The web identity token \(identity.tokenFile) can't be read, or is empty: put it there, or correct "
                    + "AWS_WEB_IDENTITY_TOKEN_FILE or web_identity_token_file.")
        }
        var form = form("AssumeRoleWithWebIdentity", identity.role, identity.sessionName)
        form.append(("WebIdentityToken", token.value))
        return try await ask(identity.service, form, for: identity.role, signedWith: nil)
    }

    private typealias Form = [(name: String, value: String)]

    private func form(_ action: String, _ role: String, _ session: String?) -> Form {
        [
            ("Action", action), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", session ?? "uploadfs-\(world.now())"),
        ]
    }

    private func ask(
        _ service: SecurityTokenService, _ form: Form, for role: String, signedWith credentials: S3Credentials?
    ) async throws(S3CredentialFailure) -> CredentialLease {
        let body = Array(
            form.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }.joined(separator: "&").utf8)
        var fields = HTTPFields(named: ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"])
        if let credentials { sign(&fields, body, service, credentials) }
        let request = TransferRequest(
            method: .post, url: service.endpoint.path.isEmpty ? service.endpoint.url + "/" : service.endpoint.url,
            fields: fields, body: .bytes(body), operation: "credentials")
        let response = try await ask(request, of: "the token service \(service.endpoint.host)")
        let root = S3Document.parse(response.body)
        guard response.isSuccess else { throw Self.refusal(response, root?["Error"], role) }
        let result = root?.children.first { $0.name.hasSuffix("Result") }?["Credentials"]
        guard let accessKey = result?["AccessKeyId"]?.text, let secretKey = result?["SecretAccessKey"]?.text,
            let token = result?["SessionToken"]?.text,
            let end = (result?["Expiration"]?.text).flatMap(CredentialDocument.seconds)
        else {
            throw .passing(
                "The token service \(service.endpoint.host) gave an answer without credentials: check that "
                    + "AWS_ENDPOINT_URL_STS, if it is set, names one.")
        }
        return CredentialLease(
            credentials: S3Credentials(accessKey: accessKey, secretKey: secretKey, sessionToken: token), end: end)
    }

    private func sign(
        _ fields: inout HTTPFields, _ body: [UInt8], _ service: SecurityTokenService, _ credentials: S3Credentials
    ) {
        let date = SignatureV4.amzDate(world.now())
        fields.append(HTTPFields(named: ["X-Amz-Date": date]))
        if let token = credentials.sessionToken { fields.append(HTTPFields(named: ["X-Amz-Security-Token": token])) }
        let subject = SignatureV4.Subject(
            method: "POST", path: service.endpoint.path.isEmpty ? "/" : service.endpoint.path,
            fields: fields.map { ($0.name.rawName, $0.value) } + [("host", service.endpoint.host)],
            payloadHash: Hex.text(SHA256.hash(data: body)))
        let signature = SignatureV4(credentials: credentials, region: service.region, service: "sts", at: date)
        fields[.authorization] = signature.authorization(subject, at: date)
    }

    private static let busy: Set = [
        "Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable", "InternalFailure",
        "IDPCommunicationError",
    ]

    /// - Parameter error: its own words. Their first line alone: below it some show what should have been signed, tokens
    ///   and all.
    private static func refusal(
        _ response: TransferResponse, _ error: S3Element?, _ role: String
    ) -> S3CredentialFailure {
        let code = error?["Code"]?.text ?? "HTTP status \(response.status)"
        let words = (error?["Message"]?.text ?? "").split(whereSeparator: \.isNewline).first?.prefix(300)
        let sentence = "The role \(role) could not be taken: \(code)\(words.map { ": \($0)" } ?? ""). "
        guard !response.isPassing, !busy.contains(code) else {
            return .passing(sentence + "It is tried again by itself.")
        }
        return .configuration(
            sentence + "Correct the role's name, or whom it trusts, or the credentials it is taken with.")
    }
}

extension HTTPFields {
    fileprivate mutating func append(_ others: HTTPFields) {
        for field in others { append(field) }
    }
}
