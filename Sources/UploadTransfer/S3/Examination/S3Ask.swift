/// A request that a mount on a bucket makes: what it is allowed by, and what does not work without it.
package enum S3Ask: String, Sendable, Hashable, CaseIterable {
    case listObjects = "ListObjectsV2"
    case putObject = "PutObject"
    case headObject = "HeadObject"
    case getObject = "GetObject"
    case createUpload = "CreateMultipartUpload"
    case uploadPart = "UploadPart"
    case listParts = "ListParts"
    case listUploads = "ListMultipartUploads"
    case completeUpload = "CompleteMultipartUpload"
    case abortUpload = "AbortMultipartUpload"
    case copyObject = "CopyObject"
    case deleteObject = "DeleteObject"

    /// What IAM calls the rights to it ("Actions, resources, and condition keys for Amazon S3", Service Authorization
    /// Reference).
    package var actions: [String] {
        switch self {
        case .listObjects: ["s3:ListBucket"]
        case .putObject, .createUpload, .uploadPart, .completeUpload: ["s3:PutObject"]
        case .headObject, .getObject: ["s3:GetObject"]
        case .copyObject: ["s3:GetObject", "s3:PutObject"]
        case .listParts: ["s3:ListMultipartUploadParts"]
        case .listUploads: ["s3:ListBucketMultipartUploads"]
        case .abortUpload: ["s3:AbortMultipartUpload"]
        case .deleteObject: ["s3:DeleteObject"]
        }
    }

    /// Of the bucket, and not of the objects in it.
    package var isOfBucket: Bool {
        switch self {
        case .listObjects, .listUploads: true
        case .putObject, .headObject, .getObject, .createUpload, .uploadPart, .listParts, .completeUpload, .abortUpload,
            .copyObject, .deleteObject:
            false
        }
    }

    /// Without it uploads fail.
    package var isNeeded: Bool {
        switch self {
        case .putObject, .createUpload, .uploadPart, .listParts, .completeUpload: true
        case .listObjects, .headObject, .getObject, .listUploads, .abortUpload, .copyObject, .deleteObject: false
        }
    }

    /// What does not work without it, in words for people.
    package var loss: String {
        switch self {
        case .listObjects: "What is in the bucket can't be listed; uploads do without."
        case .putObject: "Files of one part can't be uploaded."
        case .headObject:
            "What has a name already is not seen: --on-conflict fail and rename rest on conditional writes alone."
        case .getObject: "What has left the spool can't be read through the mount."
        case .createUpload, .uploadPart, .completeUpload: "Files of more than one part can't be uploaded."
        case .listParts: "A multipart upload can't be gone on with after a restart."
        case .listUploads: "Multipart uploads that a crash has left are not found: they stay, and cost."
        case .abortUpload: "Multipart uploads that are given up stay, and cost."
        case .copyObject: "Published files can't be renamed."
        case .deleteObject: "Published files can't be renamed, nor removed with --allow-delete."
        }
    }
}
