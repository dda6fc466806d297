/// Why the server does not start.
package enum UploadServerError: Error, Sendable, Hashable {
    /// The directory can't be made or written by this user.
    case directoryPermission(path: String)
    /// It is not a directory, or can't be used for another reason.
    case directoryUnusable(path: String, errno: Int32)
    /// Another server works on it.
    case directoryInUse(path: String)
    /// Listening beyond loopback, where everybody may come, needs a token.
    case tokenRequired(host: String)
    /// A token of no characters protects nothing.
    case emptyToken
    /// Not 0 to 65535.
    case invalidPort(Int)
    case portInUse(host: String, port: Int)
    /// A port below 1024, mostly.
    case bindPermission(host: String, port: Int)
    /// No interface of this machine has that address, or the name does not resolve.
    case addressUnavailable(host: String)
    case bindFailed(host: String, port: Int, detail: String)
    /// It was stopped before it listened.
    case stopped
}
