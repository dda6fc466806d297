import Foundation
import HTTPTypes
import UploadCore

/// What "aws sso login" leaves: a token, and (where the profile names an sso_session) what renews it without a browser
/// ("SSO token provider configuration", AWS SDKs and Tools Reference Guide; CreateToken, "IAM Identity Center OIDC API
/// Reference").
struct SignInToken: Sendable {
    let access: HiddenText
    /// In seconds since 1970.
    let end: Int
    private let renewal: Renewal?
    /// The whole file.
    private let document: HiddenText

    private struct Renewal: Sendable {
        let client: HiddenText
        let secret: HiddenText
        let token: HiddenText
        /// Until when the client may do so.
        let end: Int
    }

    /// - Parameter bytes: of the file.
    /// - Returns: nil when it is none.
    init?(_ bytes: [UInt8]) {
        guard let fields = Self.fields(bytes), let access = fields["accessToken"] as? String,
            let end = (fields["expiresAt"] as? String).flatMap(CredentialDocument.seconds)
        else { return nil }
        self.access = HiddenText(access)
        self.end = end
        document = HiddenText(String(decoding: bytes, as: UTF8.self))
        if let client = fields["clientId"] as? String, let secret = fields["clientSecret"] as? String,
            let token = fields["refreshToken"] as? String,
            let end = (fields["registrationExpiresAt"] as? String).flatMap(CredentialDocument.seconds)
        {
            renewal = Renewal(
                client: HiddenText(client), secret: HiddenText(secret), token: HiddenText(token), end: end)
        } else {
            renewal = nil
        }
    }

    private static func fields(_ bytes: [UInt8]) -> [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any]
    }

    /// What is sent to have it renewed.
    /// - Returns: nil when nobody may.
    fileprivate func question(at now: Int) -> [UInt8]? {
        guard let renewal, now < renewal.end else { return nil }
        let fields = [
            "clientId": renewal.client.value, "clientSecret": renewal.secret.value, "grantType": "refresh_token",
            "refreshToken": renewal.token.value,
        ]
        return (try? JSONSerialization.data(withJSONObject: fields)).map { Array($0) }
    }

    /// The file with what was answered: all else in it stays.
    /// - Returns: nil when that is no token.
    fileprivate func file(with answer: [UInt8], at now: Int) -> [UInt8]? {
        guard let answer = Self.fields(answer), let access = answer["accessToken"] as? String,
            let seconds = answer["expiresIn"] as? Int, var fields = Self.fields(Array(document.value.utf8))
        else { return nil }
        fields["accessToken"] = access
        fields["expiresAt"] = TimeFormat.text(Timestamp(seconds: Int64(now + seconds)))
        if let next = answer["refreshToken"] as? String { fields["refreshToken"] = next }
        return (try? JSONSerialization.data(withJSONObject: fields, options: .sortedKeys)).map { Array($0) }
    }
}

extension CredentialFetcher {
    /// - Returns: nil when somebody has to sign in again.
    func renewed(_ token: SignInToken, _ sign: SingleSignOn) async throws(S3CredentialFailure) -> SignInToken? {
        guard let question = token.question(at: world.now()) else { return nil }
        let request = TransferRequest(
            method: .post, url: "\(sign.registry.url)/token",
            fields: HTTPFields(named: ["Content-Type": "application/json"]), body: .bytes(question),
            operation: "credentials")
        let response = try await ask(request, of: "IAM Identity Center (\(sign.registry.host))")
        guard response.isSuccess else {
            guard !response.isPassing else {
                throw .passing(
                    "IAM Identity Center could not renew what the profile \"\(sign.profile)\" has signed in for (HTTP "
                        + "status \(response.status)). It is tried again by itself.")
            }
            return nil
        }
        guard let file = token.file(with: response.body, at: world.now()), let renewed = SignInToken(file) else {
            throw .passing("IAM Identity Center (\(sign.registry.host)) gave an answer without a token.")
        }
        // A refresh token may be good for once: AWS's own tools, and the next run, go on with what is there. Where it can't be
        // written, this one goes on all the same.
        _ = world.replace(sign.tokenFile, file)
        return renewed
    }
}
