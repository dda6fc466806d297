import Glibc
import UploadCore

extension ObjectDescription {
    /// What travels with an object. The time as rclone writes it, and s3fs reads it; the mode as s3fs writes it: in
    /// decimal digits, with the kind of file.
    var s3Fields: [(name: String, value: String)] {
        [
            ("content-type", contentType), ("x-amz-meta-mtime", modifiedText),
            ("x-amz-meta-mode", "\(UInt32(S_IFREG) | mode & 0o7777)"),
        ]
    }
}
