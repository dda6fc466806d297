import Glibc
import UploadCore

extension ObjectDescription {
    /// What travels with an object. The time as rclone writes it, and s3fs reads it; the mode as s3fs writes it: in
    /// decimal digits, with the kind of file.
    func s3Fields(_ options: S3Options, _ mark: S3Mark) -> [(name: String, value: String)] {
        let rules = options.rules.fields(for: path)
        let type = rules.contains { $0.name == "content-type" } ? [] : [(name: "content-type", value: contentType)]
        return type + rules + [
            (S3Metadata.modified, modifiedText), (S3Metadata.mode, s3ModeText), (S3Mark.field, mark.text),
        ]
    }

    var s3ModeText: String { "\(UInt32(S_IFREG) | mode & 0o7777)" }
}

/// The fields of what an object says of its file.
enum S3Metadata {
    static let modified = "x-amz-meta-mtime"
    static let mode = "x-amz-meta-mode"
}
