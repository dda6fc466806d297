import Foundation
import TestSupport
import Testing

/// An `rclone serve s3` of one test: a server that speaks S3 and has little in common with SeaweedFS. The bucket is a
/// directory, and its objects are files.
final class RcloneServer: Bucket {
    let port: Int
    let directory: TemporaryDirectory
    private let program: Program

    init() throws {
        directory = try TemporaryDirectory()
        port = try Weed.freePorts(1)
        try FileManager.default.createDirectory(atPath: directory.file("served"), withIntermediateDirectories: true)
        program = try Program(
            try PythonTools.path("rclone"),
            [
                "serve", "s3", directory.file("served"), "--addr", "127.0.0.1:\(port)", "--config", "/dev/null",
                "--auth-key", "\(BucketKeys.access),\(BucketKeys.secret)",
            ])
        try makeBucket([program])
    }

    deinit { program.end(within: 10) }

    func received(_ name: String) -> String { directory.file("served/bucket/" + name) }
}
