import Foundation
import Glibc
import Synchronization

/// A server on a loopback port with a thread for each connection, which does to it what the test
/// wants: answer, be slow, hang up.
final class RawServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let connections = Mutex<[RawConnection]>([])
    private let serve: @Sendable (RawConnection) -> Void

    struct Failure: Error {
        let call: String
        let errno: Int32
    }

    /// - Parameter serve: is run once for each connection, which is closed when it returns.
    init(_ serve: @escaping @Sendable (RawConnection) -> Void) throws {
        self.serve = serve
        (listener, port) = try Self.bindLoopback()
        guard listen(listener, 64) == 0 else { throw Failure(call: "listen", errno: errno) }
        Thread.detachNewThread { self.acceptAll() }
    }

    /// One that reads each request whole, answers it and keeps the connection.
    static func answering(
        _ answer: @escaping @Sendable (RawConnection, RawRequest, [UInt8]) -> Void
    ) throws -> RawServer {
        try RawServer { connection in
            while let request = connection.readHead(), let body = connection.readBody(of: request) {
                answer(connection, request, body)
            }
        }
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var connectionCount: Int { connections.withLock(\.count) }

    func stop() {
        // Ends accept(2) in the other thread, which closes the listener.
        _ = shutdown(listener, Int32(SHUT_RDWR))
        for connection in connections.withLock({ $0 }) { connection.hangUp() }
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { break }
            let connection = connections.withLock { connections in
                let connection = RawConnection(number: connections.count, descriptor: descriptor)
                connections.append(connection)
                return connection
            }
            Thread.detachNewThread { [serve] in
                serve(connection)
                connection.close()
            }
        }
        close(listener)
    }

    /// A bound socket that does not listen yet: connecting to it is refused.
    static func bindLoopback() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw Failure(call: "bind", errno: errno) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}
