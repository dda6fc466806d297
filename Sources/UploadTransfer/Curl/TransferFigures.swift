import Synchronization

/// What a client has done so far, for status and metrics.
package struct TransferFigures: Sendable, Hashable {
    /// Connections in use now.
    package var connections = 0
    /// Requests that were answered or failed, by `TransferRequest.operation`.
    package var requests: [String: Int] = [:]
    /// Those of them that got no answer, or an error as answer. Cancelled ones are in neither.
    package var requestsFailed: [String: Int] = [:]

    package init() {}
}

/// Counts on the curl thread, read by anybody.
final class TransferMeter: Sendable {
    private let figures = Mutex(TransferFigures())

    var value: TransferFigures { figures.withLock { $0 } }

    func began() {
        figures.withLock { $0.connections += 1 }
    }

    func ended() {
        figures.withLock { $0.connections -= 1 }
    }

    func answered(_ operation: String, success: Bool) {
        figures.withLock { figures in
            figures.requests[operation, default: 0] += 1
            if !success { figures.requestsFailed[operation, default: 0] += 1 }
        }
    }
}
