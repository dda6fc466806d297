/// What is set about credentials on this machine: variables of the environment, and sections of the shared files
/// ("Shared config and credentials files", AWS SDKs and Tools Reference Guide). Read by others; here it is put
/// together.
package struct CredentialSettings: Sendable, Hashable {
    /// Settings by their names in lower case.
    package typealias Section = [String: String]

    /// By their names. Empty ones are not set.
    let environment: [String: String]
    /// The profiles of both files, by their names.
    let profiles: [String: Section]
    /// The sections "sso-session", by their names.
    let sessions: [String: Section]
    /// Where they were looked for.
    let credentialsFile: String
    let configFile: String
    /// Where "aws sso login" leaves its tokens.
    let tokenDirectory: String

    /// The variables that are of interest.
    package static let variables = [
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION",
        "AWS_DEFAULT_REGION", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
        "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    ]

    /// - Parameters:
    ///   - credentials: the sections of the credentials file, by what stands between "[" and "]".
    ///   - config: the same of the config file.
    package init(
        environment: [String: String], credentials: [String: Section] = [:], config: [String: Section] = [:],
        credentialsFile: String, configFile: String, tokenDirectory: String
    ) {
        self.environment = environment.filter { !$0.value.isEmpty }
        self.credentialsFile = credentialsFile
        self.configFile = configFile
        self.tokenDirectory = tokenDirectory
        sessions = Self.sections("sso-session", of: config)
        var profiles = Self.sections("profile", of: config)
        // "[profile default]" is the one that counts where there are both.
        if profiles["default"] == nil { profiles["default"] = config["default"].map(Self.filled) }
        for (name, section) in credentials {
            profiles[name] = Self.merged(Self.filled(section), over: profiles[name] ?? [:])
        }
        self.profiles = profiles
    }

    /// The profile that counts.
    var profile: String { environment["AWS_PROFILE"] ?? "default" }

    /// nil when none is set.
    package var region: String? {
        environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? profiles[profile]?["region"]
    }

    /// Where a server of S3 is, as a URL; nil when none is set ("Service-specific endpoints", AWS SDKs and Tools Reference
    /// Guide; without its section "services").
    package var objectEndpoint: String? {
        guard environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() != "true" else { return nil }
        return environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"]
            ?? profiles[profile]?["endpoint_url"]
    }

    /// Where requests of a service go that has no other region.
    /// - Parameter variable: what names another place for it.
    func endpoint(
        _ service: String, region: String, variable: String
    ) throws(S3CredentialFailure) -> HTTPEndpoint {
        guard let text = environment[variable] else { return HTTPEndpoint(service: service, region: region) }
        guard let endpoint = HTTPEndpoint(text) else {
            throw .configuration("\(variable) must be a URL such as https://\(service).\(region).amazonaws.com.")
        }
        return endpoint
    }

    /// What was looked for in vain, for who has no credentials at all.
    var places: String {
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and the profile \"\(profile)\" has no keys in "
            + "\(credentialsFile) or \(configFile)"
    }

    /// "[KIND NAME]" and "[KIND "NAME"]", by NAME.
    private static func sections(_ kind: String, of file: [String: Section]) -> [String: Section] {
        var sections: [String: Section] = [:]
        for (title, section) in file {
            let words = title.split(maxSplits: 1, whereSeparator: \.isWhitespace)
            guard words.count == 2, words[0] == kind else { continue }
            sections[words[1].trimming { $0.isWhitespace || $0 == "\"" || $0 == "'" }] = filled(section)
        }
        return sections
    }

    private static func filled(_ section: Section) -> Section { section.filter { !$0.value.isEmpty } }

    /// A key of one file and a secret of the other are no pair.
    private static func merged(_ section: Section, over other: Section) -> Section {
        var other = other
        if section["aws_access_key_id"] != nil || section["aws_secret_access_key"] != nil {
            for name in ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"] { other[name] = nil }
        }
        return other.merging(section) { $1 }
    }
}

extension StringProtocol {
    /// Without what fits at both ends.
    func trimming(_ fits: (Character) -> Bool) -> String {
        String(drop(while: fits).reversed().drop(while: fits).reversed())
    }
}
