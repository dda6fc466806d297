import FoundationEssentials
import Glibc
import HTTPTypes
import UploadCore

/// The one table from what a server of the native protocol answers to the facts the engine decides
/// upon. Servers and proxies that know no problem types are judged by their status alone.
enum NativeFailures {
    /// - Parameter response: any but a success.
    static func error(_ response: TransferResponse) -> DestinationError {
        let problem = problem(response)
        let words = words(response, problem)
        switch (response.status, problem?.knownType) {
        case (400, .digestMismatch): return .damaged
        case (404, .unknownSession), (410, .unknownSession): return .sessionLost
        // Finalized, perhaps by a request of ours whose answer was lost: what is changed since needs another.
        case (409, .sessionClosed): return .sessionLost
        case (409, .missingChunks): return .missing(problem?.missing ?? [])
        case (401, _), (403, _): return .unauthorized(status: response.status)
        case (400, .badName): return .rejected(Rejection(status: 400, cause: .nameRefused, detail: words))
        case (409, _): return .rejected(Rejection(status: 409, cause: .conflict, detail: words))
        case (413, _):
            return .rejected(Rejection(status: 413, cause: .tooLarge(limit: problem?.limit), detail: words))
        case (415, _): return .rejected(Rejection(status: 415, cause: .typeRefused, detail: words))
        // 501 and 505: it will never learn it.
        case (408, _), (425, _), (429, _), (500, _), (502...504, _), (506...599, _):
            return .busy(status: response.status, retryAfter: RetryAfter.delay(response.fields, now: time(nil)))
        default: return .rejected(Rejection(status: response.status, cause: .other, detail: words))
        }
    }

    private static func problem(_ response: TransferResponse) -> NativeProtocol.Problem? {
        guard response.fields[.contentType]?.hasPrefix(NativeProtocol.problemContentType) == true else { return nil }
        return try? JSONDecoder().decode(NativeProtocol.Problem.self, from: Data(response.body))
    }

    /// What to show to a person.
    private static func words(_ response: TransferResponse, _ problem: NativeProtocol.Problem?) -> String {
        if let problem { return problem.detail.isEmpty ? problem.title : problem.detail }
        if let place = response.fields[.location] { return "it redirects to \(place), which is not followed" }
        return "HTTP status \(response.status)"
    }
}
