import UploadCore
import UploadTransfer

/// What a server of the native protocol is like.
enum ServerChecks {
    /// - Parameters:
    ///   - error: what its limits were not told for; nil: they were.
    ///   - hasToken: one is sent along.
    static func checks(
        _ url: String, _ error: DestinationError?, _ limits: DestinationLimits, hasToken: Bool
    ) -> [DoctorCheck] {
        let wire = DoctorWire.check(isEncrypted: url.hasPrefix("https:"), url)
        switch error {
        case nil:
            let token = hasToken ? "The token is accepted." : "It asks for no token."
            let size = limits.maximumFileSize.map { "files of up to \(ByteFormat.text($0))" } ?? "files of any size"
            return [
                .ok("server", "It answers, and speaks the native protocol."), wire, .ok("token", token),
                .ok("limits", "It takes \(size)."),
            ]
        case .unauthorized(let status)?:
            let says =
                hasToken
                ? "The server does not accept the token (HTTP \(status))."
                : "The server asks for a token (HTTP \(status))."
            return [
                .ok("server", "It answers."), wire,
                .fail(
                    "token", says, "Put its token into UPLOADFS_TOKEN, or into a file: --token-file.", code: .permission
                ),
            ]
        case let error?:
            return [DoctorWire.check(error)]
        }
    }
}

/// What is the same for each kind of destination.
enum DoctorWire {
    static func check(isEncrypted: Bool, _ url: String) -> DoctorCheck {
        let host = url.split(separator: "/", maxSplits: 2).dropFirst().first ?? ""
        switch (isEncrypted, isLoopback(host)) {
        case (true, _): return .ok("TLS", "The connection is encrypted, and its certificate trusted.")
        case (false, true): return .ok("TLS", "Not needed: the destination is on this machine.")
        case (false, false):
            return .warn("TLS", "The connection is not encrypted: who is on the way can read it.", "Use https://.")
        }
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        let name = host.hasPrefix("[") ? host.dropFirst().prefix { $0 != "]" } : host.prefix { $0 != ":" }
        return name == "localhost" || name == "::1" || name.hasPrefix("127.")
    }

    /// Why a destination is none that could be used.
    static func check(_ error: DestinationError) -> DoctorCheck {
        let failure = FailureSentences.failure(for: error)
        func fail(_ name: String, _ code: CommandFailure.Code) -> DoctorCheck {
            .fail(name, failure.reason, remedy(error) ?? failure.remedy, code: code)
        }
        switch error {
        case .unreachable(.untrusted): return fail("TLS", .unreachable)
        case .unreachable, .broken, .busy, .cancelled, .source, .journal: return fail("server", .unreachable)
        case .unauthorized, .forbidden: return fail("credentials", .permission)
        case .noCredentials: return fail("credentials", .configuration)
        case .rejected, .malformed, .sessionLost, .missing, .damaged: return fail("server", .configuration)
        }
    }

    /// Here nothing is tried again by itself.
    private static func remedy(_ error: DestinationError) -> String? {
        switch error {
        case .unreachable(.unresolved(let host)): "getent hosts \(host)   (check the name, and this machine's DNS)"
        case .unreachable(.refused): "Start the server, or check the port."
        case .unreachable(.untrusted):
            "Install its certificate authority on this machine, or name its file with --ca-file."
        case .unreachable, .broken: "Check the network: a firewall, a proxy, a VPN."
        case .busy: "Ask again later."
        case .unauthorized:
            "Put valid keys into the profile, or into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        case .noCredentials: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
        default: nil
        }
    }
}
