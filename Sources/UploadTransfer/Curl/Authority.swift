/// The host and port of a URL, as far as the client needs them: to count connections to one host, to
/// name it in errors, and to keep proxies out of the way to this very machine.
struct Authority: Hashable, Sendable {
    /// Without brackets.
    let host: String
    /// As written; nil when the URL has none.
    let port: String?

    /// RFC 3986, section 3.2: what stands between "//" and the next "/", "?" or "#", less the user.
    /// A URL without one gives an empty host; libcurl refuses it later, with the reason.
    init(of url: String) {
        let start = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        let whole = url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let place = whole.lastIndex(of: "@").map { whole[whole.index(after: $0)...] } ?? whole
        if place.first == "[", let end = place.firstIndex(of: "]") {
            host = place[place.index(after: place.startIndex)..<end].lowercased()
            port = Self.port(after: place[place.index(after: end)...])
        } else {
            let name = place.prefix { $0 != ":" }
            host = name.lowercased()
            port = Self.port(after: place[name.endIndex...])
        }
    }

    private static func port(after text: Substring) -> String? {
        text.first == ":" && text.count > 1 ? String(text.dropFirst()) : nil
    }

    /// This machine, which no proxy can reach for us.
    var isLoopback: Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Of this machine's own link, or one of AWS's services on it: to each machine they are others.
    var isLinkLocal: Bool {
        host.hasPrefix("169.254.") || host.hasPrefix("fd00:ec2:")
    }
}
