extension CredentialSettings {
    /// Where credentials are taken from, in words for people that follow "from": never with a part of them. nil: nowhere,
    /// or something is set wrong.
    package var origin: String? {
        guard let plan = try? CredentialPlan(self) else { return nil }
        if environment["AWS_ACCESS_KEY_ID"] != nil { return "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" }
        return words(plan)
    }

    /// - Parameter isSource: of a role.
    private func words(_ plan: CredentialPlan, isSource: Bool = false) -> String {
        switch plan {
        case .fixed: isSource ? "keys of the shared files" : "the profile \"\(profile)\""
        case .webIdentity(let identity): "the role \(identity.role), taken with the token \(identity.tokenFile)"
        case .role(let role, let source): "the role \(role.role), taken with \(words(source, isSource: true))"
        case .singleSignOn(let sign): "IAM Identity Center, where one has signed in for \"\(sign.profile)\""
        case .process(let process): "a program that the profile \"\(process.profile)\" names"
        case .container: "the container's credential service"
        case .instance: "the metadata of this EC2 instance"
        }
    }
}
