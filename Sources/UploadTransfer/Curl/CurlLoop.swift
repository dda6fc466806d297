import CCurl
import UploadCore

/// What the curl thread does, from its start to its end. Everything in here is used by that one thread.
final class CurlLoop {
    private let multi: CurlMulti
    private let inbox: CurlInbox
    private let meter: TransferMeter
    private let options: CurlOptions
    private let clock = CurlTransfer.Clock()

    private var queue: TransferQueue<TransferJob>
    private var running: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    private var idle: [CurlHandle] = []

    /// Without connections there is nothing to look after: commands wake us.
    private static let longestWait = Duration.seconds(60)

    init(multi: CurlMulti, inbox: CurlInbox, meter: TransferMeter, options: CurlOptions) {
        self.multi = multi
        self.inbox = inbox
        self.meter = meter
        self.options = options
        queue = TransferQueue(maximum: options.maximumConnections, maximumPerHost: options.maximumConnectionsPerHost)
    }

    /// Returns when it was told to shut down, or when libcurl itself can't go on.
    func run() {
        var end: DestinationError?
        while end == nil { end = turn() }
        finish(end ?? .cancelled)
    }

    /// - Returns: why it was the last one.
    private func turn() -> DestinationError? {
        for command in inbox.take() {
            switch command {
            case .start(let job): queue.add(job, id: job.id, host: Authority(of: job.request.url))
            case .cancel(let id): cancel(id)
            case .shutDown: return .cancelled
            }
        }
        startWaiting()
        if let failure = failure(multi.perform()) { return failure }
        collectDone()
        giveUpStalled()
        // Places may have become free: only then is there more to do before waiting.
        if startWaiting() { return nil }
        return failure(multi.poll(limit: untilNextLook))
    }

    private func failure(_ code: CURLMcode) -> DestinationError? {
        code == CURLM_OK ? nil : .broken(.other(detail: "libcurl: \(String(cString: curl_multi_strerror(code)))"))
    }

    // MARK: One transfer's way

    @discardableResult
    private func startWaiting() -> Bool {
        var started = false
        while let (host, job) = queue.next() {
            do throws(DestinationError) {
                try start(job, host: host)
                started = true
            } catch {
                queue.finished(host: host)
                answer(job, .failure(error))
            }
        }
        return started
    }

    private func start(_ job: TransferJob, host: Authority) throws(DestinationError) {
        guard let handle = idle.popLast() ?? CurlHandle() else { throw .broken(.other(detail: "out of memory")) }
        let transfer = CurlTransfer(job: job, host: host, handle: handle, options: options)
        try handle.prepare(transfer, options: options)
        if let failure = failure(multi.add(handle)) { throw failure }
        running[handle.easy] = transfer
        meter.began()
    }

    private func collectDone() {
        while let (easy, code) = multi.nextDone() {
            guard let transfer = running[easy] else { continue }
            let failure =
                code == CURLE_OK
                ? nil
                : CurlFailure(
                    code: code, systemError: transfer.handle.systemError, detail: transfer.handle.words(for: code),
                    host: transfer.host.host, wasConnected: transfer.wasConnected)
            end(transfer) { transfer.outcome(failure) }
        }
    }

    private func giveUpStalled() {
        let now = clock.now
        for transfer in Array(running.values) where transfer.hasStalled(at: now) {
            // One that was answered and then fell silent has said what there is to say.
            end(transfer) { transfer.outcome(transfer.stalled) }
        }
    }

    private func cancel(_ id: UInt64) {
        if let job = queue.remove(id: id) { return answer(job, .failure(.cancelled)) }
        guard let transfer = running.values.first(where: { $0.job.id == id }) else { return }
        end(transfer) { transfer.abandoned(.cancelled) }
    }

    /// Takes a transfer out of libcurl's hands, and only then tells its caller: whoever has the answer
    /// can rely on the body being read no more.
    private func end(_ transfer: CurlTransfer, outcome: () -> Result<TransferResponse, DestinationError>) {
        // Calls the progress callback a last time, so that the outcome is settled after it.
        multi.remove(transfer.handle)
        let result = outcome()
        running[transfer.handle.easy] = nil
        // Drops the pointers into `transfer`, which dies now.
        transfer.handle.reset()
        idle.append(transfer.handle)
        queue.finished(host: transfer.host)
        meter.ended()
        answer(transfer.job, result)
    }

    private func answer(_ job: TransferJob, _ result: Result<TransferResponse, DestinationError>) {
        switch result {
        case .success(let response): meter.answered(job.request.operation, success: response.isSuccess)
        case .failure(.cancelled): break
        case .failure: meter.answered(job.request.operation, success: false)
        }
        job.answer.resume(returning: result)
    }

    private var untilNextLook: Duration {
        guard let next = running.values.compactMap(\.nextLook).min() else { return Self.longestWait }
        return min(Self.longestWait, clock.now.duration(to: next))
    }

    // MARK: The end

    private func finish(_ reason: DestinationError) {
        let (commands, waiters) = inbox.close(reason)
        for transfer in Array(running.values) { end(transfer) { transfer.abandoned(reason) } }
        for job in queue.removeAll() { answer(job, .failure(reason)) }
        for case .start(let job) in commands { answer(job, .failure(reason)) }
        idle = []
        multi.free()
        for waiter in waiters { waiter.resume() }
    }
}
