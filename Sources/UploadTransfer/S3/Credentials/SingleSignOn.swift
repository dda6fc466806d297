import Crypto
import FoundationEssentials
import HTTPTypes
import UploadCore

/// A role of an account that a person has signed in for with "aws sso login" ("IAM Identity Center credential provider",
/// AWS SDKs and Tools Reference Guide; GetRoleCredentials, "IAM Identity Center Portal API Reference").
struct SingleSignOn: Sendable, Hashable {
    let profile: String
    /// Where the token is that signing in has given.
    let tokenFile: String
    let account: String
    let role: String
    let portal: HTTPEndpoint
    /// Where a token is renewed.
    let registry: HTTPEndpoint
}

extension SingleSignOn {
    /// - Parameter section: of the profile. Where it names a session, that has the start URL and the region.
    init(
        _ profile: String, _ section: CredentialSettings.Section, _ settings: CredentialSettings
    ) throws(S3CredentialFailure) {
        func wrong(_ what: String) -> S3CredentialFailure {
            .configuration(
                "The profile \"\(profile)\" \(what). \"aws configure sso\" sets all that signing in needs.")
        }
        var place = section
        if let session = section["sso_session"] {
            guard let found = settings.sessions[session] else {
                throw wrong("has the sso_session \"\(session)\", which is not in \(settings.configFile)")
            }
            place = found
        }
        guard let start = place["sso_start_url"], let region = place["sso_region"] else {
            throw wrong("has no sso_start_url or no sso_region")
        }
        guard let account = section["sso_account_id"], let role = section["sso_role_name"] else {
            throw wrong("has no sso_account_id or no sso_role_name")
        }
        let hash = Hex.text(Insecure.SHA1.hash(data: Array((section["sso_session"] ?? start).utf8)))
        self.init(
            profile: profile, tokenFile: "\(settings.tokenDirectory)/\(hash).json", account: account, role: role,
            portal: try settings.endpoint("portal.sso", region: region, variable: "AWS_ENDPOINT_URL_SSO"),
            registry: try settings.endpoint("oidc", region: region, variable: "AWS_ENDPOINT_URL_SSO_OIDC"))
    }
}

extension CredentialFetcher {
    private struct Answer: Decodable {
        let roleCredentials: Credentials

        struct Credentials: Decodable {
            let accessKeyId: String
            let secretAccessKey: String
            let sessionToken: String
            /// In milliseconds since 1970.
            let expiration: Int
        }
    }

    func fetch(_ sign: SingleSignOn) async throws(S3CredentialFailure) -> CredentialLease {
        let remedy = "run aws sso login --profile \(sign.profile)"
        guard var token = SignInToken(world.read(sign.tokenFile) ?? []) else {
            throw .configuration("Nobody has signed in for the profile \"\(sign.profile)\": \(remedy).")
        }
        let isOver = S3CredentialFailure.configuration(
            "Signing in for the profile \"\(sign.profile)\" was too long ago: \(remedy).")
        if world.now() >= token.end {
            guard let renewed = try await renewed(token, sign) else { throw isOver }
            token = renewed
        }
        let request = TransferRequest(
            method: .get,
            url: "\(sign.portal.url)/federation/credentials?role_name=\(PercentEncoding.encode(sign.role))"
                + "&account_id=\(PercentEncoding.encode(sign.account))",
            fields: HTTPFields(named: ["x-amz-sso_bearer_token": token.access.value]), operation: "credentials")
        let response = try await ask(request, of: "IAM Identity Center (\(sign.portal.host))")
        guard response.isSuccess else {
            if response.status == 401 { throw isOver }
            let sentence =
                "IAM Identity Center gave no credentials for the profile \"\(sign.profile)\" (HTTP status "
                + "\(response.status))"
            guard !response.isPassing else { throw .passing("\(sentence). It is tried again by itself.") }
            throw .configuration("\(sentence): correct sso_account_id and sso_role_name, or \(remedy).")
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body)) else {
            throw .passing("IAM Identity Center (\(sign.portal.host)) gave an answer without credentials.")
        }
        let found = answer.roleCredentials
        return CredentialLease(
            credentials: S3Credentials(
                accessKey: found.accessKeyId, secretKey: found.secretAccessKey, sessionToken: found.sessionToken),
            end: found.expiration / 1000)
    }
}
