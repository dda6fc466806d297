/// A file or directory of the mount: its inode number. Never used twice in one state directory, so
/// that a kernel that still remembers an old inode can't mistake a new file for it.
package struct FileID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The mount's root directory (FUSE_ROOT_ID).
    package static let root = FileID(1)

    package var description: String { String(rawValue) }

    package static func < (one: FileID, other: FileID) -> Bool {
        one.rawValue < other.rawValue
    }
}

/// One content of one file: one spool file, and at most one object at the destination. Rewriting a
/// file from its start makes a new version; changing it in place goes on with the one it has.
package struct VersionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    package var description: String { String(rawValue) }

    package static func < (one: VersionID, other: VersionID) -> Bool {
        one.rawValue < other.rawValue
    }
}

/// What the destination calls an unfinished upload. Opaque to us; journalled, so that the next mount
/// can go on with it.
package struct SessionToken: Hashable, Sendable {
    package let rawValue: String

    package init(_ rawValue: String) {
        self.rawValue = rawValue
    }
}

/// A moment of the wall clock: nanoseconds since 1970 (UTC), as struct timespec has it.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package init(seconds: Int64, nanoseconds: Int64 = 0) {
        self.nanoseconds = seconds &* 1_000_000_000 &+ nanoseconds
    }

    /// Whole seconds, rounded towards the past, so that `fraction` is never negative.
    package var seconds: Int64 {
        let (quotient, remainder) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// The nanoseconds beyond `seconds`: 0 ..< 1,000,000,000.
    package var fraction: Int64 { nanoseconds - seconds * 1_000_000_000 }

    package static func < (one: Timestamp, other: Timestamp) -> Bool {
        one.nanoseconds < other.nanoseconds
    }

    /// The latest there is, where the sum lies beyond it.
    package func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isTooLate) = nanoseconds.addingReportingOverflow(whole)
        let (exact, isBeyond) = sum.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !isTooLong, !isTooLate, !isBeyond else {
            return Timestamp(nanoseconds: duration < .zero ? .min : .max)
        }
        return Timestamp(nanoseconds: exact)
    }
}
