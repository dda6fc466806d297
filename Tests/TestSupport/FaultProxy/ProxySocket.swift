import Glibc

enum ProxyError: Error {
    case system(call: String, errno: Int32)
    case stopped
    /// The other end is gone in the middle of something.
    case gone
}

/// A non-blocking socket (or the stop pipe), closed with the last reference.
final class ProxySocket: Sendable {
    let number: Int32

    init(adopting number: Int32) { self.number = number }
    deinit { close(number) }

    /// Bound to a free port of 127.0.0.1 and listening.
    static func listener() throws -> (socket: ProxySocket, port: Int) {
        let socket = try make()
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                try check("bind", bind(socket.number, generic, length))
                try check("listen", listen(socket.number, 128))
                try check("getsockname", getsockname(socket.number, generic, &length))
            }
        }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    static func connect(toLoopbackPort port: Int) throws -> ProxySocket {
        let socket = try make()
        try socket.setOption(IPPROTO_TCP, TCP_NODELAY, 1)
        var address = loopback(port: port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // To loopback, it is decided at once or when the listener's queue has room; the first write waits for that.
        guard result == 0 || errno == EINPROGRESS else { throw ProxyError.system(call: "connect", errno: errno) }
        return socket
    }

    /// nil when nobody is waiting any more.
    func accept() throws -> ProxySocket? {
        let accepted = Glibc.accept(number, nil, nil)
        guard accepted >= 0 else { return nil }
        let socket = ProxySocket(adopting: accepted)
        try Self.check("fcntl", fcntl(accepted, F_SETFD, FD_CLOEXEC))
        try Self.check("fcntl", fcntl(accepted, F_SETFL, O_NONBLOCK))
        try socket.setOption(Int(IPPROTO_TCP), TCP_NODELAY, 1)
        return socket
    }

    /// nil: nothing there yet; empty: the other end has finished.
    func read(atMost count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = bytes.withUnsafeMutableBytes { recv(number, $0.baseAddress, $0.count, 0) }
        if got >= 0 { return Array(bytes[..<got]) }
        if errno == EAGAIN || errno == EINTR { return nil }
        throw ProxyError.gone
    }

    /// - Returns: how many bytes the kernel took.
    func write(_ bytes: [UInt8]) throws -> Int {
        let put = bytes.withUnsafeBytes { send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if put >= 0 { return put }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw ProxyError.gone
    }

    /// The close that follows sends RST instead of FIN, and throws away what is under way.
    func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    private func setOption(_ level: Int, _ name: Int32, _ value: Int32) throws {
        var value = value
        try Self.check(
            "setsockopt", setsockopt(number, Int32(level), name, &value, socklen_t(MemoryLayout<Int32>.size)))
    }

    private static func make() throws -> ProxySocket {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return ProxySocket(adopting: try check("socket", socket(AF_INET, kind, 0)))
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return address
    }

    @discardableResult
    static func check(_ call: String, _ result: Int32) throws -> Int32 {
        guard result >= 0 else { throw ProxyError.system(call: call, errno: errno) }
        return result
    }
}
