import Logging
import UploadCore

/// Whether to mount though the destination does not answer. The first time a typing error is likelier
/// than an outage, so the mount is refused; once it has answered, uploads wait in the queue for it.
struct Reachability: Sendable {
    let destination: any Destination
    let journal: any Journal
    let mayBeOffline: Bool

    private static let fact = "destination-has-answered"

    func check(_ url: String, _ logger: Logger) async throws {
        do throws(DestinationError) {
            try await destination.probe()
        } catch {
            try await refused(url, error, logger)
            return
        }
        if try journal.fact(Self.fact) == nil { try journal.apply([.setFact(name: Self.fact, value: "yes")]) }
    }

    private func refused(_ url: String, _ error: DestinationError, _ logger: Logger) async throws {
        let failure = FailureSentences.failure(for: error)
        switch error {
        case .unauthorized, .forbidden:
            throw CommandFailure(.permission, "\(url): \(failure.reason) \(failure.remedy)")
        case .rejected, .malformed, .sessionLost, .missing, .damaged:
            throw CommandFailure(
                .configuration, "\(url) does not take uploads: \(failure.reason) \(failure.remedy)")
        case .unreachable, .broken, .busy, .noCredentials, .source, .journal, .cancelled:
            let isKnown = try journal.fact(Self.fact) != nil
            guard isKnown || mayBeOffline else {
                throw CommandFailure(
                    .unreachable, "\(url): \(failure.reason) To mount all the same and upload later, add --offline.")
            }
            logger.warning(
                "The destination does not answer; what is written waits for it.",
                metadata: ["destination": "\(url)", "reason": "\(failure.reason)"])
        }
    }
}
