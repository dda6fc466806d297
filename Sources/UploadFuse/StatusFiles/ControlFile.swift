import Synchronization
import UploadCore

/// One open of `.uploadfs/control`: lines, however they are cut into writes.
final class ControlFile: Sendable {
    private let begun = Mutex<[UInt8]>([])

    /// Longer than any path and its command.
    private static let longestLine = 8192

    /// - Returns: the lines that are complete now.
    func add(_ bytes: [UInt8]) throws(FileSystemError) -> [String] {
        let lines: [String]? = begun.withLock { begun in
            begun += bytes
            var parts = begun.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            begun = Array(parts.removeLast())
            guard begun.count <= Self.longestLine else {
                begun = []
                return nil
            }
            return parts.map { String(decoding: $0, as: UTF8.self) }
        }
        guard let lines else { throw .invalid }
        return lines
    }

    /// What came without a line feed, when it is closed.
    func rest() -> String? {
        begun.withLock { begun in
            defer { begun = [] }
            return begun.isEmpty ? nil : String(decoding: begun, as: UTF8.self)
        }
    }
}
