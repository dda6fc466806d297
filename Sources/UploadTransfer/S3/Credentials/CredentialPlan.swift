/// Where credentials are to be had from, as the settings say: decided without asking anybody. In the order of
/// "Standardized credential providers", AWS SDKs and Tools Reference Guide:
///
/// | | what is set |
/// | --- | --- |
/// | 1 | AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY |
/// | 2 | AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN |
/// | 3 | the profile AWS_PROFILE, else "default" (`CredentialPlan+Profiles.swift`) |
/// | 4 | AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI |
/// | 5 | nothing: the metadata service of an EC2 instance, unless AWS_EC2_METADATA_DISABLED |
///
/// The first that is set counts: when it fails, the next one is not tried.
indirect enum CredentialPlan: Sendable, Hashable {
    case fixed(S3Credentials)
    case webIdentity(WebIdentity)
    case role(AssumedRole, source: CredentialPlan)
    case singleSignOn(SingleSignOn)
    case process(CredentialProcess)
    case container(ContainerService)
    case instance(InstanceService)

    init(_ settings: CredentialSettings) throws(S3CredentialFailure) {
        if let keys = try settings.environmentKeys() {
            self = .fixed(keys)
        } else if let identity = try WebIdentity(environmentOf: settings) {
            self = .webIdentity(identity)
        } else if let plan = try settings.planOfProfile() {
            self = plan
        } else if let service = try ContainerService(settings) {
            self = .container(service)
        } else if let service = try InstanceService(settings, otherwise: settings.places) {
            self = .instance(service)
        } else {
            throw .configuration("There are no credentials for S3: \(settings.places).")
        }
    }
}

extension CredentialSettings {
    /// - Returns: nil when there are none.
    func environmentKeys() throws(S3CredentialFailure) -> S3Credentials? {
        guard let accessKey = environment["AWS_ACCESS_KEY_ID"] else { return nil }
        guard let secretKey = environment["AWS_SECRET_ACCESS_KEY"] else {
            throw .configuration("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not: set both, or none.")
        }
        return S3Credentials(
            accessKey: accessKey, secretKey: secretKey, sessionToken: environment["AWS_SESSION_TOKEN"])
    }
}
