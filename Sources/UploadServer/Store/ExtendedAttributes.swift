import CLinux
import Glibc

extension OpenFile {
    /// - Returns: false where the filesystem keeps no such attributes (or has no room for them): they
    ///   only spare work, so that is no failure.
    @discardableResult
    func setAttribute(_ name: String, to value: String) -> Bool {
        let bytes = Array(value.utf8)
        return fsetxattr(descriptor, name, bytes, bytes.count, 0) == 0
    }

    /// - Returns: nil when it is not there, is no UTF-8 or is longer than anything we write.
    func attribute(_ name: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = bytes.withUnsafeMutableBytes { fgetxattr(descriptor, name, $0.baseAddress, $0.count) }
        guard count >= 0 else { return nil }
        return String(validating: bytes.prefix(count), as: UTF8.self)
    }
}
