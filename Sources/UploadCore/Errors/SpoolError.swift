/// What can go wrong with the bytes on this machine's disk.
package enum SpoolError: Error, Sendable, Hashable {
    /// ENOSPC or EDQUOT: the disk (or our share of it) is full.
    case noSpace
    /// The spool file is not there.
    case missing(VersionID)
    /// Any other system call that failed, by its name and errno.
    case system(call: String, errno: Int32)
}
