import Glibc
import UploadCore

/// What the URLs of published files begin with.
struct PublicLocation: Sendable {
    private let publicURL: String?
    private let host: String

    init(_ configuration: UploadServerConfiguration) {
        publicURL = configuration.publicURL.map { url in
            String(url.reversed().drop { $0 == "/" }.reversed())
        }
        host = Self.reachable(configuration.host)
    }

    func url(of path: UploadPath, port: Int) -> String {
        (publicURL ?? "http://\(host):\(port)") + "/files/" + path.percentEncoded
    }

    /// Who listens on every address is reached by the machine's name, which means something elsewhere too.
    private static func reachable(_ host: String) -> String {
        if host == "0.0.0.0" || host == "::" { return machineName() }
        return host.contains(":") ? "[\(host)]" : host
    }

    private static func machineName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        let result = gethostname(&name, name.count - 1)
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return result == 0 && !text.isEmpty ? text : "localhost"
    }
}
