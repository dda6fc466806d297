import Glibc
import Logging
import UploadCore
import UploadServer

/// The upload server inside the mount's own process, on a loopback port.
struct EmbeddedServer: Sendable {
    let server: UploadServer
    /// What this process alone knows: other users of the machine can read what is published, but can't upload.
    let token: String
    private static let portFact = "embedded-port"

    /// The port of the last time is taken again if it can be had, so that URLs stay good.
    init(directory: String, port: Int, logger: Logger) throws(CommandFailure) {
        token = Self.randomToken()
        var quiet = logger
        quiet.logLevel = max(.notice, logger.logLevel)
        do {
            server = try UploadServer(
                configuration: UploadServerConfiguration(
                    directory: directory, host: "127.0.0.1", port: port, maximumFileSize: nil, allowedTypes: [],
                    token: token, publicRead: true, sessionLifetime: .seconds(7 * 24 * 3600),
                    maximumSessions: 1_000_000, publicURL: nil),
                logger: quiet)
        } catch {
            throw CommandFailure(error)
        }
    }

    static func lastPort(_ journal: any Journal) -> Int {
        let text = try? journal.fact(portFact)
        guard let port = text.flatMap(Int.init), isFree(port) else { return 0 }
        return port
    }

    static func remember(_ port: Int, _ journal: any Journal) throws(JournalError) {
        try journal.apply([.setFact(name: portFact, value: String(port))])
    }

    private static func isFree(_ port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var yes: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// 256 bits of the system's generator.
    private static func randomToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in String(generator.next(), radix: 36) }.joined()
    }
}

extension CommandFailure {
    /// Why a server does not start.
    init(_ error: UploadServerError) {
        switch error {
        case .directoryPermission(let path):
            self.init(
                .permission, "The directory \(path) may not be written by this user. Name another with --directory.")
        case .directoryUnusable(let path, let code):
            self.init(
                .configuration,
                "The directory \(path) can't be used: \(String(cString: strerror(code))). Name another with --directory."
            )
        case .directoryInUse(let path):
            self.init(
                .failure, "Another upload server works on \(path). Stop it, or name another place with --directory.")
        case .tokenRequired(let host):
            self.init(
                .configuration,
                "Listening on \(host) lets other machines in, and needs a token: set UPLOADFS_TOKEN or --token-file.")
        case .emptyToken:
            self.init(.configuration, "The token is empty: put one into UPLOADFS_TOKEN or the token file.")
        case .invalidPort(let port):
            self.init(.usage, "\(port) is no port: it must be 0 to 65535.")
        case .portInUse(let host, let port):
            self.init(
                .failure,
                "Port \(port) of \(host) is in use by another program. Choose another with --listen, or stop that one (ss -ltnp tells)."
            )
        case .bindPermission(let host, let port):
            self.init(
                .permission,
                "Listening on port \(port) of \(host) needs privileges that this user lacks. Choose one above 1023 with --listen."
            )
        case .addressUnavailable(let host):
            self.init(.configuration, "This machine has no address \(host) to listen on. See \"ip address\".")
        case .bindFailed(let host, let port, let detail):
            self.init(.failure, "Listening on \(host):\(port) failed: \(detail).")
        case .stopped:
            self.init(.failure, "The server was stopped before it listened.")
        }
    }
}
