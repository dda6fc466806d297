package import UploadCore

/// Sends HTTP requests. Any number of tasks may use it at once; one thread does the work, and ends
/// with `shutdown()` or with the last reference to the client.
package final class CurlClient: Sendable {
    let inbox: CurlInbox
    private let meter = TransferMeter()

    /// - Throws: `unreachable` when this machine has no memory or no thread left.
    package init(options: CurlOptions = CurlOptions()) throws(DestinationError) {
        let multi = try CurlMulti(options: options)
        inbox = CurlInbox(multi: multi)
        do throws(DestinationError) {
            try CurlThread.start(CurlLoop(multi: multi, inbox: inbox, meter: meter, options: options))
        } catch {
            _ = inbox.close(error)
            multi.free()
            throw error
        }
    }

    deinit {
        inbox.post(.shutDown)
    }

    /// Sends one request, once, and returns the answer whatever its status is.
    ///
    /// When it returns or throws, nothing of the request's body is read any more. A task that is
    /// cancelled gets `cancelled` soon; whether the request was carried out, nobody knows then.
    package func perform(_ request: TransferRequest) async throws(DestinationError) -> TransferResponse {
        let id = inbox.makeID()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { answer in
                inbox.post(.start(TransferJob(id: id, request: request, answer: answer)))
                // A task that was cancelled before this line has told so when there was nothing to cancel.
                if Task.isCancelled { inbox.post(.cancel(id)) }
            }
        } onCancel: {
            inbox.post(.cancel(id))
        }
        return try result.get()
    }

    /// Connections in use and requests so far.
    package var figures: TransferFigures { meter.value }

    /// Ends the thread. Requests under way and later ones get `cancelled`. May be called again.
    package func shutdown() async {
        inbox.post(.shutDown)
        await inbox.waitForEnd()
    }
}
