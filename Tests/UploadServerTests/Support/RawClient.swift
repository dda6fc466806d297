import Foundation
import Glibc

/// An HTTP client that sends just the bytes it is told, so that a test can be as wrong as it likes.
final class RawConnection: Sendable {
    private let descriptor: Int32

    init(port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            _ = close(descriptor)
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    func send(_ bytes: [UInt8]) async throws {
        try await offThePool {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
                sent += count
            }
        }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Everything until the other side closes.
    func receiveAll() async throws -> [UInt8] {
        try await offThePool {
            var all: [UInt8] = []
            var block = [UInt8](repeating: 0, count: 64 << 10)
            while true {
                let count = recv(self.descriptor, &block, block.count, 0)
                guard count >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
                if count == 0 { return all }
                all += block[..<count]
            }
        }
    }

    /// As when the cable is pulled: the other side gets a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// A thread for each: a queue's few would wait for one another.
    private func offThePool<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
        }
    }
}

struct Answer: Sendable {
    let status: Int
    /// Names in lower case.
    let headers: [String: String]
    let body: [UInt8]

    /// Informational heads before the real one are skipped, and counted.
    let informational: Int

    init(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        var informational = 0
        while true {
            guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else { throw POSIXError(.EBADMSG) }
            let lines = String(decoding: rest[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
            guard let line = lines.first, let status = Int(line.split(separator: " ")[1]) else {
                throw POSIXError(.EBADMSG)
            }
            rest = rest[end.upperBound...]
            if status < 200 {
                informational += 1
                continue
            }
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                    .trimmingCharacters(in: .whitespaces)
            }
            self.status = status
            self.headers = headers
            self.body = Array(rest)
            self.informational = informational
            return
        }
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: Data(body))
    }
}
