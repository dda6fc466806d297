import Glibc
import Synchronization

/// One client's connection: request after request, each with its fault. Lives on one thread.
struct ProxyConnection {
    private let client: ProxySocket
    private let shared: FaultProxy.Shared
    private let waiter: ProxyWaiter
    /// Bytes of the client's that are not looked at yet.
    private var inbox: [UInt8] = []
    /// The request that was answered last: whether the client read it is still open.
    private var answered: Int?

    init(client: ProxySocket, shared: FaultProxy.Shared) {
        self.client = client
        self.shared = shared
        waiter = ProxyWaiter(stop: shared.stop)
    }

    consuming func run() {
        do {
            while let head = try nextHead(), let request = head.request {
                guard try answer(request, head) else { return }
            }
        } catch {
            // The record says so already; for the client it is a broken connection.
            client.resetOnClose()
        }
    }

    /// nil when the client has no further request.
    private mutating func nextHead() throws -> HTTPHead? {
        while true {
            if let head = HTTPHead.take(from: &inbox) { return head }
            guard inbox.count < HTTPHead.longest else { throw ProxyError.gone }
            try waiter.wait(for: [(client, POLLIN)])
            do {
                guard let bytes = try client.read(atMost: 1 << 16) else { continue }
                if bytes.isEmpty { return nil }
                inbox += bytes
                answered = nil
            } catch {
                if let answered { shared.markUnread(ordinal: answered) }
                throw error
            }
        }
    }

    /// - Returns: whether the connection can take another request.
    private mutating func answer(_ request: RequestHead, _ head: HTTPHead) throws -> Bool {
        let (rule, ordinal) = shared.count()
        let fault = rule(request, ordinal)
        var record = ProxyRecord(
            ordinal: ordinal, head: request, fault: fault, began: .now, ended: .now, bodyBytes: 0, outcome: .broken)
        defer {
            record.ended = .now
            shared.state.withLock { [record] in $0.records.append(record) }
        }
        switch fault {
        case .none:
            return try forward(head, request, &record)
        case .reset(let bytes):
            return try forward(head, request, &record, resetAfter: bytes)
        case .answer(let status, let retryAfter):
            return try inject(status, retryAfter, head, &record)
        case .dropAnswer:
            return try forward(head, request, &record, dropsAnswer: true)
        case .delay(let duration):
            return try forward(head, request, &record, answerDelay: duration)
        case .stall(let duration):
            try waiter.pass(duration)
            return try forward(head, request, &record)
        case .rate(let bytesPerSecond):
            return try forward(head, request, &record, bucket: TokenBucket(bytesPerSecond: bytesPerSecond))
        }
    }

    private mutating func forward(
        _ head: HTTPHead, _ request: RequestHead, _ record: inout ProxyRecord, resetAfter: Int64? = nil,
        dropsAnswer: Bool = false, answerDelay: Duration? = nil, bucket: TokenBucket? = nil
    ) throws -> Bool {
        var exchange = ProxyExchange(
            client: client, server: try ProxySocket.connect(toLoopbackPort: shared.upstreamPort), waiter: waiter,
            head: head, method: request.method, inbox: inbox)
        exchange.resetAfter = resetAfter
        exchange.dropsAnswer = dropsAnswer
        exchange.answerDelay = answerDelay
        defer {
            inbox = exchange.inbox
            record.bodyBytes = exchange.bodyBytes
            record.serverStatus = exchange.status
        }
        let end = try exchange.run { wanted in
            if let bucket { return bucket.take(wanted) }
            return shared.state.withLock(\.bucket)?.take(wanted) ?? (wanted, .zero)
        }
        switch end {
        case .reset:
            record.outcome = .reset
            client.resetOnClose()
            return false
        case .answered(let status, let canGoOn):
            record.outcome = 200..<300 ~= status ? .acknowledged : .refused(status: status)
            if !canGoOn { try finishPolitely() }
            answered = record.ordinal
            return canGoOn
        }
    }

    /// Reads the body away, then answers in the server's place.
    private mutating func inject(
        _ status: Int, _ retryAfter: Int?, _ head: HTTPHead, _ record: inout ProxyRecord
    ) throws -> Bool {
        var answer = ""
        if head.value("expect")?.lowercased() == "100-continue" { answer = "HTTP/1.1 100 Continue\r\n\r\n" }
        try write(answer)
        var body = head.requestBody
        while !body.isComplete {
            if inbox.isEmpty {
                try waiter.wait(for: [(client, POLLIN)])
                guard let bytes = try client.read(atMost: 1 << 16) else { continue }
                if bytes.isEmpty { throw ProxyError.gone }
                inbox = bytes
            }
            let count = body.consume(inbox[...])
            inbox.removeFirst(count)
            record.bodyBytes += Int64(count)
        }
        let retry = retryAfter.map { "Retry-After: \($0)\r\n" } ?? ""
        try write("HTTP/1.1 \(status) Injected\r\nContent-Length: 0\r\n\(retry)\r\n")
        record.outcome = .injected(status: status)
        return !head.closes
    }

    private func write(_ text: String) throws {
        var rest = Array(text.utf8)
        while !rest.isEmpty {
            try waiter.wait(for: [(client, POLLOUT)])
            rest.removeFirst(try client.write(rest))
        }
    }

    /// The server ends the connection. Bytes that the client still sends must be read for a moment:
    /// closing over them sends RST, which would take the answer away before the client has read it.
    private func finishPolitely() throws {
        shutdown(client.number, Int32(SHUT_WR))
        let deadline = ContinuousClock.now + .seconds(1)
        while ContinuousClock.now < deadline {
            try waiter.wait(for: [(client, POLLIN)], atMost: deadline - .now)
            if try client.read(atMost: 1 << 16)?.isEmpty ?? false { return }
        }
    }
}
