/// Where a profile has its credentials from ("Assume role credential provider", "Process credential provider" and "IAM
/// Identity Center credential provider" of the AWS SDKs and Tools Reference Guide). Of several, in botocore's order:
/// a role, a web identity, IAM Identity Center, keys, a program.
extension CredentialSettings {
    /// - Returns: nil when the profile says nothing of credentials.
    func planOfProfile() throws(S3CredentialFailure) -> CredentialPlan? {
        guard let section = profiles[profile] else {
            guard environment["AWS_PROFILE"] != nil else { return nil }
            throw .configuration(
                "AWS_PROFILE is \"\(profile)\", and neither \(credentialsFile) nor \(configFile) has a profile of that "
                    + "name: add it, or name another one.")
        }
        return try takesRole(section) ? role(profile, section, after: []) : plain(profile, section)
    }

    private func takesRole(_ section: Section) -> Bool {
        section["role_arn"] != nil && section["web_identity_token_file"] == nil
    }

    private func hasKeys(_ section: Section) -> Bool {
        section["aws_access_key_id"] != nil && section["aws_secret_access_key"] != nil
    }

    /// All but a role that is taken with other credentials.
    private func plain(_ name: String, _ section: Section) throws(S3CredentialFailure) -> CredentialPlan? {
        if let file = section["web_identity_token_file"] {
            guard let role = section["role_arn"] else {
                throw wrong(name, "has a web_identity_token_file and no role_arn")
            }
            return .webIdentity(
                WebIdentity(
                    tokenFile: file, role: role, sessionName: section["role_session_name"],
                    service: try tokenService()))
        }
        if section["sso_session"] != nil || section["sso_start_url"] != nil {
            return .singleSignOn(try SingleSignOn(name, section, self))
        }
        if let accessKey = section["aws_access_key_id"] {
            guard let secretKey = section["aws_secret_access_key"] else {
                throw wrong(name, "has an aws_access_key_id and no aws_secret_access_key")
            }
            return .fixed(
                S3Credentials(accessKey: accessKey, secretKey: secretKey, sessionToken: section["aws_session_token"]))
        }
        if let command = section["credential_process"] {
            guard let words = CommandWords.split(command), !words.isEmpty else {
                throw wrong(name, "has a credential_process that is no command: a quote is not closed, or it is empty")
            }
            return .process(CredentialProcess(profile: name, words: words))
        }
        return nil
    }

    /// - Parameter visited: the profiles that led to this one.
    private func role(
        _ name: String, _ section: Section, after visited: [String]
    ) throws(S3CredentialFailure) -> CredentialPlan {
        guard section["mfa_serial"] == nil else {
            throw wrong(
                name,
                "wants a one-time password (mfa_serial), which a mount has nobody to ask for: use a profile without it, "
                    + "or keys that \"aws sts get-session-token\" gives")
        }
        var seconds: Int?
        if let text = section["duration_seconds"] {
            guard let number = Int(text), 900...43_200 ~= number else {
                throw wrong(name, "has the duration_seconds \"\(text)\", which must be a number from 900 to 43200")
            }
            seconds = number
        }
        let role = AssumedRole(
            role: section["role_arn"] ?? "", sessionName: section["role_session_name"],
            externalID: section["external_id"], seconds: seconds, service: try tokenService())
        return .role(role, source: try source(of: name, section, after: visited + [name]))
    }

    private func source(
        of name: String, _ section: Section, after visited: [String]
    ) throws(S3CredentialFailure) -> CredentialPlan {
        switch (section["source_profile"], section["credential_source"]) {
        case (_?, _?): throw wrong(name, "has a source_profile and a credential_source: it must have one of them")
        case (nil, nil): throw wrong(name, "has a role_arn, and neither source_profile nor credential_source")
        case (nil, let kind?): return try source(kind, of: name)
        case (let other?, nil):
            guard let source = profiles[other] else {
                throw wrong(name, "has the source_profile \"\(other)\", and there is no profile of that name")
            }
            // A profile may take its role with keys of its own.
            guard !visited.contains(other) || other == name && hasKeys(source) else {
                throw wrong(
                    name, "is its own source: \((visited + [other]).map { "\"\($0)\"" }.joined(separator: " → "))")
            }
            if takesRole(source) && !hasKeys(source) { return try role(other, source, after: visited) }
            guard let plan = try plain(other, source) else {
                throw wrong(name, "has the source_profile \"\(other)\", which has no credentials")
            }
            return plan
        }
    }

    private func source(_ kind: String, of name: String) throws(S3CredentialFailure) -> CredentialPlan {
        switch kind {
        case "Environment":
            guard let keys = try environmentKeys() else {
                throw wrong(name, "takes its keys from the environment, and AWS_ACCESS_KEY_ID is not set")
            }
            return .fixed(keys)
        case "EcsContainer":
            guard let service = try ContainerService(self) else {
                throw wrong(
                    name, "takes its keys from a container, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set")
            }
            return .container(service)
        case "Ec2InstanceMetadata":
            let why = "the profile \"\(name)\" takes them from the metadata of an EC2 instance"
            guard let service = try InstanceService(self, otherwise: why) else {
                throw wrong(name, "takes its keys from EC2's metadata, and AWS_EC2_METADATA_DISABLED is set")
            }
            return .instance(service)
        default:
            throw wrong(
                name,
                "has the credential_source \"\(kind)\": there are Environment, EcsContainer and Ec2InstanceMetadata")
        }
    }

    private func wrong(_ name: String, _ what: String) -> S3CredentialFailure {
        .configuration("The profile \"\(name)\" \(what). Correct it in \(configFile) or \(credentialsFile).")
    }
}
