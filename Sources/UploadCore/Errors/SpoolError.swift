/// What can go wrong with the bytes on this machine's disk.
package enum SpoolError: Error, Sendable, Hashable {
    /// ENOSPC or EDQUOT: the disk (or our share of it) is full.
    case noSpace
    /// The spool file is not there.
    case missing(VersionID)
    /// It has fewer bytes than a close acknowledged: somebody else cut it, or the disk lost some.
    case short(VersionID, size: Int64, closed: Int64)
    /// The machine has run out of something for the moment (descriptors, memory): EMFILE, ENFILE, ENOMEM.
    case exhausted(call: String, errno: Int32)
    /// Any other system call that failed, by its name and errno.
    case system(call: String, errno: Int32)

    /// Worth another try.
    package var mayPass: Bool {
        switch self {
        case .exhausted: true
        case .noSpace, .missing, .short, .system: false
        }
    }
}
