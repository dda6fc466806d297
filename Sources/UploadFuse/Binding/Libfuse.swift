import CFuse

/// The library that speaks to the kernel for us.
package enum Libfuse {
    /// For example "3.17.2".
    package static var version: String { String(cString: fuse_pkgversion()) }
}
