import Glibc
import Synchronization

/// One accepted connection of a `RawServer`, read and written as the test likes. Used by its own
/// thread; `hangUp` may be called by any.
final class RawConnection: Sendable {
    /// 0 for the server's first connection.
    let number: Int
    private let descriptor: Int32
    private let state = Mutex(State())

    private struct State {
        var unread: [UInt8] = []
        var isClosed = false
    }

    init(number: Int, descriptor: Int32) {
        self.number = number
        self.descriptor = descriptor
    }

    /// - Returns: nil when the client has gone.
    func readHead() -> RawRequest? {
        var bytes = state.withLock { state in
            defer { state.unread = [] }
            return state.unread
        }
        while true {
            if let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) {
                let rest = Array(bytes[end.upperBound...])
                state.withLock { $0.unread = rest }
                return RawRequest(head: String(decoding: bytes[..<end.lowerBound], as: UTF8.self))
            }
            guard let more = receive(64 << 10) else { return nil }
            bytes += more
        }
    }

    /// - Returns: up to `count` bytes, as many as come at once; nil when the client has gone.
    func read(atMost count: Int) -> [UInt8]? {
        let known = state.withLock { state in
            let taken = Array(state.unread.prefix(count))
            state.unread.removeFirst(taken.count)
            return taken
        }
        return known.isEmpty ? receive(count) : known
    }

    /// - Returns: nil when the client has gone before all of it was there.
    func readBody(of request: RawRequest) -> [UInt8]? {
        var body: [UInt8] = []
        while body.count < request.length {
            guard let more = read(atMost: request.length - body.count) else { return nil }
            body += more
        }
        return body
    }

    /// - Returns: bytes that came before the client had gone, or `length` of them.
    func skip(_ length: Int) -> Int {
        var count = 0
        while count < length, let more = read(atMost: min(256 << 10, length - count)) { count += more.count }
        return count
    }

    private func receive(_ count: Int) -> [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, recv(descriptor, buffer.baseAddress, count, 0))
        }
        return bytes.isEmpty ? nil : bytes
    }

    /// - Returns: false when the client has gone before all of it was sent.
    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    func answer(_ status: Int, fields: [String: String] = [:], _ body: String = "") {
        let lines = fields.map { "\($0.key): \($0.value)\r\n" }.joined()
        write("HTTP/1.1 \(status) Word\r\nContent-Length: \(body.utf8.count)\r\n\(lines)\r\n\(body)")
    }

    /// Sends FIN, and can still read.
    func finishWriting() {
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Ends it with RST in place of FIN.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
        close()
    }

    func close() {
        state.withLock { state in
            if !state.isClosed { _ = Glibc.close(descriptor) }
            state.isClosed = true
        }
    }

    /// Makes whoever reads or writes it stop; the descriptor stays the thread's.
    func hangUp() {
        state.withLock { state in
            if !state.isClosed { _ = Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }
}

struct RawRequest: Sendable {
    let method: String
    let target: String
    /// By names in lower case.
    let fields: [String: String]

    init(head: String) {
        let lines = head.split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        method = words.count > 0 ? String(words[0]) : ""
        target = words.count > 1 ? String(words[1]) : ""
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields[line[..<colon].lowercased()] = String(value)
        }
        self.fields = fields
    }

    var length: Int { fields["content-length"].flatMap { Int($0) } ?? 0 }
}
