import Glibc

/// How much the spool may hold.
enum SpoolLimit: Sendable, Hashable {
    case bytes(Int64)
    /// What the disk has to spare.
    case automatic

    /// Below this even a single file of a few chunks could not pass.
    static let least: Int64 = 16 << 20
    static let mostAutomatic: Int64 = 20 << 30

    /// - Parameters:
    ///   - directory: on the filesystem of the spool.
    ///   - used: bytes that the spool has there already.
    func bytes(in directory: String, used: Int64) -> Int64 {
        switch self {
        case .bytes(let bytes): return bytes
        case .automatic:
            var status = statvfs()
            guard statvfs(directory, &status) == 0 else { return Self.mostAutomatic }
            return Self.automatic(free: Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize)), used: used)
        }
    }

    /// 80% of what is free or ours already.
    static func automatic(free: Int64, used: Int64) -> Int64 {
        max(least, min(mostAutomatic, free / 5 * 4 + used / 5 * 4))
    }
}
