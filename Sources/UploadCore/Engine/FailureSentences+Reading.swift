/// What people read about a published file that could not be read back.
extension FailureSentences {
    package static func reading(_ error: DestinationError) -> Failure {
        switch error {
        case .rejected(let rejection):
            switch rejection.cause {
            case .changed:
                return Failure(
                    code: "object-changed",
                    reason: "The destination has another object of its name than the one that was published: somebody "
                        + "else has replaced it.",
                    remedy: "Look at it there (detail has its URL), or write the file again.")
            case .gone:
                return Failure(
                    code: "object-gone", reason: "The destination does not have it any more.",
                    remedy: "Write the file again, or bring it back there.")
            case .tooLarge, .typeRefused, .nameRefused, .conflict, .other:
                return Failure(
                    code: "refused-\(rejection.status)",
                    reason: "The destination does not give it (HTTP \(rejection.status)): \(rejection.detail)",
                    remedy: "Mend what it says, and read the file again.")
            }
        case .busy(let status, _):
            return Failure(
                code: "busy", reason: "The destination can't give it now (HTTP \(status)).",
                remedy: "Read the file again later.")
        case .unreachable, .broken, .damaged, .sessionLost, .missing, .unauthorized, .noCredentials, .forbidden,
            .source, .journal, .malformed, .cancelled:
            let other = failure(for: error)
            return Failure(code: other.code, reason: other.reason, remedy: "Mend that, and read the file again.")
        }
    }

    package static func readTimedOut(after time: Duration) -> Failure {
        Failure(
            code: "read-timeout",
            reason: "The destination gave no answer for \(DurationFormat.text(time)).",
            remedy: "See what it is doing, and read the file again.")
    }
}
