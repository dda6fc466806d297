import Foundation
import Glibc

/// A directory of one test, gone with the last reference to it.
package final class TemporaryDirectory: Sendable {
    /// Absolute, without links.
    package let path: String

    /// - Parameter parent: where; by default the system's place for temporary files.
    package init(in parent: String = NSTemporaryDirectory()) throws {
        var template = Array((parent + "/uploadfs-test.XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil, let real = realpath(template, nil) else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
        defer { free(real) }
        path = String(cString: real)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch CocoaError.fileNoSuchFile {
            // The test took it away itself.
        } catch {
            print("TestSupport: \(path) is left behind: \(error)")
        }
    }

    package func file(_ name: String) -> String { path + "/" + name }
}
