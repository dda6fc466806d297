import Glibc

/// One request and its answer, both streaming at the same time: a server may answer before it has
/// read everything, and sends interim answers (100 Continue).
struct ProxyExchange {
    enum End {
        /// - canGoOn: whether the client's connection can take another request.
        case answered(status: Int, canGoOn: Bool)
        /// Time to cut the client off.
        case reset
    }

    private let client: ProxySocket
    private let server: ProxySocket
    private let waiter: ProxyWaiter
    private let method: String

    /// POLLRDHUP (asm-generic/poll.h), which Glibc's module leaves out: the other end will send no more.
    private static let peerClosed: Int32 = 0x2000

    var resetAfter: Int64?
    var dropsAnswer = false
    var answerDelay: Duration?

    /// From the client, not looked at yet.
    private(set) var inbox: [UInt8]
    private(set) var bodyBytes: Int64 = 0
    private(set) var status: Int?
    private var requestBody: BodyFraming
    private var requestCloses: Bool
    private var toServer: [UInt8]
    private var isServerReadingNoMore = false

    private var answerHead: [UInt8] = []
    /// Once the final answer's head is there.
    private var answerBody: BodyFraming?
    private var answerCloses = false
    private var toClient: [UInt8] = []

    init(
        client: ProxySocket, server: ProxySocket, waiter: ProxyWaiter, head: HTTPHead, method: String,
        inbox: [UInt8]
    ) {
        self.client = client
        self.server = server
        self.waiter = waiter
        self.method = method
        self.inbox = inbox
        requestBody = head.requestBody
        requestCloses = head.closes
        toServer = head.bytes
    }

    /// - Parameter allowance: how many of so many bytes of the body may go now; when none, how long to wait.
    mutating func run(allowance: (Int) -> (granted: Int, wait: Duration)) throws -> End {
        while true {
            let pause = takeBody(allowance)
            if let resetAfter, toServer.isEmpty, bodyBytes >= resetAfter || requestBody.isComplete {
                server.resetOnClose()
                return .reset
            }
            if let end { return end }
            try move(atMost: pause)
        }
    }

    private var end: End? {
        guard let status, answerBody?.isComplete ?? false, toClient.isEmpty else { return nil }
        if dropsAnswer { return .reset }
        let isRequestDone = requestBody.isComplete && toServer.isEmpty
        let canGoOn = !answerCloses && !requestCloses
        guard isRequestDone || !canGoOn || isServerReadingNoMore else { return nil }
        return .answered(status: status, canGoOn: canGoOn && isRequestDone)
    }

    /// Moves bytes of the body from the inbox towards the server.
    /// - Returns: how long the rate limit holds them back.
    private mutating func takeBody(_ allowance: (Int) -> (granted: Int, wait: Duration)) -> Duration? {
        guard toServer.isEmpty, !inbox.isEmpty, !requestBody.isComplete else { return nil }
        var wanted = inbox.count
        if let resetAfter { wanted = min(wanted, Int(max(0, resetAfter - bodyBytes))) }
        guard wanted > 0 else { return nil }
        let (granted, wait) = allowance(wanted)
        guard granted > 0 else { return wait }
        let count = requestBody.consume(inbox[..<granted])
        toServer = Array(inbox[..<count])
        inbox.removeFirst(count)
        bodyBytes += Int64(count)
        return nil
    }

    private mutating func move(atMost pause: Duration?) throws {
        var ofClient = Self.peerClosed
        if inbox.isEmpty, !requestBody.isComplete { ofClient |= POLLIN }
        if !toClient.isEmpty { ofClient |= POLLOUT }
        var ofServer: Int32 = 0
        if toClient.isEmpty, !(answerBody?.isComplete ?? false) { ofServer |= POLLIN }
        if !toServer.isEmpty, !isServerReadingNoMore { ofServer |= POLLOUT }

        // poll(2) tells of a hangup unasked: who is not waited for must not be in it, or this would spin.
        let waited = ofServer == 0 ? [(client, ofClient)] : [(client, ofClient), (server, ofServer)]
        let ready = try waiter.wait(for: waited, atMost: pause) + [0]
        if ready[1] & (POLLIN | POLLHUP | POLLERR) != 0, ofServer & POLLIN != 0 { try readServer() }
        if ready[1] & POLLOUT != 0, ofServer & POLLOUT != 0 { writeServer() }
        // Who has gone gets no answer, though the kernel would still take it.
        if !toClient.isEmpty, ready[0] & (Self.peerClosed | POLLHUP | POLLERR) != 0 { throw clientIsGone() }
        if ready[0] & POLLOUT != 0 { toClient.removeFirst(try client.write(toClient)) }
        if ready[0] & POLLIN != 0, ofClient & POLLIN != 0 {
            guard let bytes = try client.read(atMost: 1 << 16) else { return }
            if bytes.isEmpty { throw clientIsGone() }
            inbox = bytes
        } else if ready[0] & (Self.peerClosed | POLLHUP | POLLERR) != 0 {
            throw clientIsGone()
        }
    }

    /// A client that goes in the middle of an exchange is gone for the server too.
    private func clientIsGone() -> ProxyError {
        server.resetOnClose()
        return .gone
    }

    private mutating func writeServer() {
        do {
            toServer.removeFirst(try server.write(toServer))
        } catch {
            // It closed its ears, perhaps after an early answer: that is still to be read.
            isServerReadingNoMore = true
            toServer = []
        }
    }

    private mutating func readServer() throws {
        guard let bytes = try server.read(atMost: 1 << 16) else { return }
        if bytes.isEmpty {
            guard case .untilClose? = answerBody else { throw ProxyError.gone }
            answerBody = .length(0)
            answerCloses = true
            return
        }
        guard answerBody == nil else {
            pass(bytes)
            return
        }
        answerHead += bytes
        while answerBody == nil, let head = HTTPHead.take(from: &answerHead) {
            guard let code = head.status else { throw ProxyError.gone }
            if !dropsAnswer { toClient += head.bytes }
            if code < 200 {
                if dropsAnswer { toClient += head.bytes }
                continue
            }
            if let answerDelay { try waiter.pass(answerDelay) }
            status = code
            answerCloses = head.closes
            answerBody = head.responseBody(to: method)
        }
        if answerBody != nil {
            pass(answerHead)
            answerHead = []
        }
    }

    private mutating func pass(_ bytes: [UInt8]) {
        let count = answerBody?.consume(bytes[...]) ?? 0
        if !dropsAnswer { toClient += bytes[..<count] }
    }
}
