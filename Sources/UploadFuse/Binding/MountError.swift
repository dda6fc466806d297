/// Why a mount did not come about, for a sentence and an exit code.
package enum MountError: Error, Sendable, Hashable {
    case mountpointMissing(String)
    case notADirectory(String)
    /// An uploadfs is mounted there; `isAlive` when it still answers.
    case alreadyMounted(String, isAlive: Bool)
    /// The user may not mount there.
    case notPermitted(String)
    /// No /dev/fuse: the kernel has no FUSE, or this container does not show it.
    case deviceMissing
    /// /dev/fuse is there, but not for this user.
    case deviceNotAccessible
    /// Any other reason, in the words of the kernel or libfuse.
    case other(String)
}
