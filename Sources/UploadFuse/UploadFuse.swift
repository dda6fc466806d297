/// UploadFuse is the filesystem: it takes the kernel's requests, keeps names and bytes through the
/// seams `Journal` and `Spool`, and tells the engine what writers do (`Uploads.post`).
///
/// - `Binding/` the only folder that imports CFuse: the session, the table of callbacks, the replies.
///   No decision about files is taken there.
/// - `Operations/` what each request means: an extension of `FileSystem` per family. Plain Swift
///   values in, values or `FileSystemError` out, so that tests need no mount.
/// - `Tree/` which nodes are remembered, who has them open, what state their content is in.
/// - `Processes/` who writes, and whether a close is the work of a dying process.
/// - `Listing/` when a directory of the destination is listed (`--list`), and who waits for that.
/// - `StatusFiles/` everything below `.uploadfs`.
///
/// Nothing in here waits for the network, opens a path inside the mount, or holds a lock while it
/// answers. An answer that must wait is parked (`ParkedReply`).
enum UploadFuse {}
