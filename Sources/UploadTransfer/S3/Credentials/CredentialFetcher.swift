import UploadCore

/// Does what a plan says. Each kind of plan has an extension of its own.
struct CredentialFetcher: Sendable {
    let world: CredentialWorld

    func fetch(_ plan: CredentialPlan) async throws(S3CredentialFailure) -> CredentialLease {
        switch plan {
        case .fixed(let credentials): CredentialLease(credentials: credentials)
        case .webIdentity(let identity): try await assume(identity)
        case .role(let role, let source): try await assume(role, with: fetch(source).credentials)
        case .singleSignOn(let sign): try await fetch(sign)
        case .process(let process): try await fetch(process)
        case .container(let service): try await fetch(service)
        case .instance(let service): try await fetch(service)
        }
    }

    /// - Parameters:
    ///   - service: its name, as part of a sentence.
    ///   - tries: how often it is asked, as long as there is no answer.
    func ask(
        _ request: TransferRequest, of service: String, tries: Int = 1
    ) async throws(S3CredentialFailure) -> TransferResponse {
        do throws(DestinationError) {
            return try await world.client.perform(request)
        } catch {
            switch error {
            case .cancelled: throw .cancelled
            case .unreachable where tries > 1, .broken where tries > 1:
                return try await ask(request, of: service, tries: tries - 1)
            default:
                throw .passing(
                    "The credentials for S3 could not be renewed: \(service) does not answer (\(Self.words(error))). "
                        + "Check the network; it is tried again by itself.")
            }
        }
    }

    /// What a file holds, without the white space around it; nil when that can't be read, or is not one line: a field of
    /// a request has no more.
    func secret(in path: String) -> HiddenText? {
        guard let bytes = world.read(path) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).trimming(\.isWhitespace)
        return text.isEmpty || text.contains(where: \.isNewline) ? nil : HiddenText(text)
    }

    private static func words(_ error: DestinationError) -> String {
        switch error {
        case .unreachable(.unresolved(let host)): "the name \"\(host)\" does not resolve"
        case .unreachable(.refused): "connection refused"
        case .unreachable(.timedOut), .broken(.stalled): "timed out"
        case .unreachable(.untrusted): "its TLS certificate is not trusted"
        case .broken: "the connection broke"
        default: "no connection"
        }
    }
}

extension TransferResponse {
    /// Of a service that can't now, and says so.
    var isPassing: Bool {
        switch status {
        case 408, 425, 429, 500, 502...504, 506...599: true
        default: false
        }
    }
}
