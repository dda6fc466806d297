import Glibc
import UploadCore

extension ObjectDescription {
    /// What travels with an object. The time as rclone writes it, and s3fs reads it; the mode as s3fs writes it: in
    /// decimal digits, with the kind of file.
    func s3Fields(_ options: S3Options, _ mark: S3Mark) -> [(name: String, value: String)] {
        let rules = options.rules.fields(for: path)
        let type = rules.contains { $0.name == "content-type" } ? [] : [(name: "content-type", value: contentType)]
        return type + rules + [
            ("x-amz-meta-mtime", modifiedText), ("x-amz-meta-mode", "\(UInt32(S_IFREG) | mode & 0o7777)"),
            (S3Mark.field, mark.text),
        ]
    }
}
