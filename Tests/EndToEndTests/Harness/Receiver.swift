import Foundation
import TestSupport
import Testing

/// Where the uploads of a test arrive, whatever it speaks.
protocol Receiver: Sendable {
    /// Where it listens on 127.0.0.1.
    var port: Int { get }
    /// What a mount needs to be let in.
    var environment: [String: String] { get }

    /// The destination's URL.
    /// - Parameter port: where it is reached: its own, or a proxy's.
    func destination(by port: Int) -> String

    /// A directory with all that has arrived below a name.
    func received(_ name: String) throws -> String

    /// No room is needed any more for what lies below a name.
    func forget(_ name: String)

    /// What names the chunk that a request carries; nil: it carries none.
    func chunk(_ record: ProxyRecord) -> String?
}

extension Server: Receiver {
    var environment: [String: String] { [:] }

    func destination(by port: Int) -> String { "http://127.0.0.1:\(port)" }

    func received(_ name: String) -> String { file(name) }

    func forget(_ name: String) { try? FileManager.default.removeItem(atPath: file(name)) }

    func chunk(_ record: ProxyRecord) -> String? { record.path == "/upload/chunk" ? record.query : nil }
}

extension Scene {
    /// A mount on whatever it is.
    func mount(on receiver: some Receiver, _ options: [String] = [], limit: TimeInterval = 240) throws -> Mounted {
        try Mounted(
            receiver.destination(by: receiver.port), at: directory.file("mount"), state: directory.file("state"),
            options: options, environment: receiver.environment, limit: limit, in: directory)
    }
}
