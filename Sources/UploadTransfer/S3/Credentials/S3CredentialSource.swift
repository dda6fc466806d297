/// Where the credentials of an S3 destination come from. Asked at each request; what it costs to ask is the source's
/// to keep small.
package protocol S3CredentialSource: Sendable {
    func credentials() async throws(S3CredentialFailure) -> S3Credentials

    /// The destination did not accept them, or does no longer: whoever asks next is to have others, if there are any.
    func refused(_ credentials: S3Credentials)
}

/// Why there are no credentials. The text is a sentence or two for a person: what is wrong, and what mends it. It never
/// has a secret in it.
package enum S3CredentialFailure: Error, Sendable, Hashable {
    /// Something is set wrong, or not set, or refused: it stays so until somebody changes it.
    case configuration(String)
    /// A network or a service that can't now: trying again may help.
    case passing(String)
    /// Whoever asked has been cancelled.
    case cancelled

    package var sentence: String {
        switch self {
        case .configuration(let text), .passing(let text): text
        case .cancelled: "It was cancelled."
        }
    }
}

/// Credentials that are known already, and never change.
package struct FixedCredentials: S3CredentialSource {
    private let fixed: S3Credentials

    package init(_ credentials: S3Credentials) {
        fixed = credentials
    }

    package func credentials() -> S3Credentials { fixed }

    package func refused(_ credentials: S3Credentials) {}
}

/// Credentials, and when they end.
struct CredentialLease: Sendable, Hashable {
    let credentials: S3Credentials
    /// In seconds since 1970; nil: nobody said.
    var end: Int?
}

/// Text that is never printed, also not by mistake.
struct HiddenText: Sendable, Hashable, CustomStringConvertible {
    let value: String

    init(_ value: String) {
        self.value = value
    }

    var description: String { "hidden" }
}
