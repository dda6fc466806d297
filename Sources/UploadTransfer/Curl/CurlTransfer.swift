import CCurl
import Glibc
import HTTPTypes
import UploadCore

/// One request under way: what the callbacks of its handle call. Lives on the curl thread only; the
/// loop holds it for as long as its handle is in the multi handle, so that the unretained pointer
/// that libcurl has of it is good whenever libcurl uses it.
final class CurlTransfer {
    typealias Clock = SuspendingClock

    let job: TransferJob
    let host: Authority
    let handle: CurlHandle
    private let options: CurlOptions
    private let clock = Clock()

    private var body: BodyReader
    private(set) var head = ResponseHead()
    private(set) var content: [UInt8] = []
    private(set) var isMalformed = false
    /// No more of the content was wanted.
    private var isCut = false
    private(set) var wasConnected = false
    private var stall = StallWatch<Clock.Instant>()
    private var counted: Int64 = 0
    private var received: Int64 = 0

    init(job: TransferJob, host: Authority, handle: CurlHandle, options: CurlOptions) {
        self.job = job
        self.host = host
        self.handle = handle
        self.options = options
        body = BodyReader(job.request.body)
    }

    // MARK: What the callbacks call

    func connected() {
        wasConnected = true
        touch()
    }

    /// - Returns: bytes put into the buffer; nil when the source failed.
    func give(_ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        body.read(into: buffer)
    }

    func rewind(to offset: Int64) -> Bool {
        body.seek(to: offset)
    }

    func takeHead(_ line: UnsafeRawBufferPointer) -> Bool {
        touch()
        if !head.take(line) { isMalformed = true }
        return !isMalformed
    }

    func takeContent(_ bytes: UnsafeRawBufferPointer) -> Bool {
        touch()
        let limit = job.request.answerLimit ?? options.maximumAnswer
        if content.isEmpty, let length = head.fields[.contentLength].flatMap({ Int($0) }), length > 0 {
            content.reserveCapacity(min(length, limit))
        }
        guard content.count + bytes.count <= limit else {
            isCut = job.request.answerLimit != nil
            isMalformed = !isCut
            if isCut { content.append(contentsOf: bytes.prefix(limit - content.count)) }
            return false
        }
        content.append(contentsOf: bytes)
        return true
    }

    /// libcurl's own count of the body: goes down when it sends a request again on a new connection.
    func moved(up: Int64, down: Int64) {
        guard up != counted || down != received else { return }
        count(up)
        received = down
        touch()
    }

    // MARK: What the loop calls

    /// When to look for a stall again.
    var nextLook: Clock.Instant? { stall.nextLook }

    func hasStalled(at now: Clock.Instant) -> Bool {
        guard let next = stall.nextLook, now >= next else { return false }
        return stall.look(at: now, allowance: allowance, queue: handle.socket.flatMap(Self.sendQueue))
    }

    /// What became of it, now that libcurl says it ended with `failure` (nil: well).
    func outcome(_ failure: CurlFailure?) -> Result<TransferResponse, DestinationError> {
        if let source = body.failure { return settle(.failure(.source(source))) }
        let response = TransferResponse(status: head.status, fields: head.fields, body: content)
        guard let failure, !isCut else { return settle(.success(response)) }
        // The other end may refuse while we are still sending, and close: the refusal is the news,
        // not the broken pipe that follows it.
        if head.isComplete, head.status >= 400, !isMalformed { return settle(.success(response)) }
        return settle(.failure(isMalformed ? .malformed(detail: "the answer is too long or not HTTP") : failure.error))
    }

    /// The failure of one on which nothing moves, as libcurl would tell it.
    var stalled: CurlFailure {
        CurlFailure(
            code: CURLE_OPERATION_TIMEDOUT, systemError: 0, detail: "no byte moved", host: host.host, wasConnected: true
        )
    }

    /// The same for one that was taken out by ourselves.
    func abandoned(_ error: DestinationError) -> Result<TransferResponse, DestinationError> {
        settle(.failure(error))
    }

    private func settle(_ result: Result<TransferResponse, DestinationError>)
        -> Result<TransferResponse, DestinationError>
    {
        switch result {
        case .success(let response) where response.isSuccess: count(job.request.body.length ?? 0)
        case .success, .failure: count(0)
        }
        return result
    }

    private func count(_ bytes: Int64) {
        job.request.sent?.add(bytes - counted)
        counted = bytes
    }

    private func touch() {
        stall.moved(at: clock.now, allowance: allowance)
    }

    private var allowance: Duration {
        guard counted >= job.request.body.length ?? 0 else { return options.stallTime }
        return job.request.answerTime ?? options.stallTime
    }

    /// SIOCOUTQ (tcp(7)): bytes the other side has not acknowledged. Linux spells it TIOCOUTQ too.
    private static func sendQueue(of socket: Int32) -> Int? {
        var bytes: Int32 = 0
        return ioctl(socket, UInt(TIOCOUTQ), &bytes) == 0 ? Int(bytes) : nil
    }
}
