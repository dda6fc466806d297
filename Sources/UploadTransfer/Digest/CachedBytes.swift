import CLinux
import UploadCore

/// A small file's bytes, when the page cache has all of them: what was just written, as a rule. No disk is waited for
/// then, so they may be read on any thread, and hashed there: to hand a few pages to another thread takes longer.
enum CachedBytes {
    static let most: Int64 = 64 << 10

    /// - Returns: nil when it is not small, or something would have to be waited for, or can't be read; and where the
    ///   filesystem does not tell (tmpfs).
    static func all(of content: any SpoolFile, size: Int64) -> [UInt8]? {
        guard size <= most else { return nil }
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            // Never more than was asked for, which is what there is room for.
            count = max(0, clinux_read_cached(content.descriptor, buffer.baseAddress, UInt(size), 0))
        }
        return bytes.count == size ? bytes : nil
    }
}
