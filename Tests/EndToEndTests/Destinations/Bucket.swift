import Foundation
import TestSupport
import Testing

/// The bucket "bucket" of a server that speaks S3. What it has got is looked at with rclone: a second client, which
/// shares nothing with ours.
protocol Bucket: Receiver {
    var directory: TemporaryDirectory { get }
}

/// Who is let in.
enum BucketKeys {
    static let access = "AKTEST"
    static let secret = "SKTEST"
    static let environment = ["AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret]
}

extension Bucket {
    var environment: [String: String] { BucketKeys.environment }

    /// The destination's URL; by way of a proxy where one is given.
    func url(_ prefix: String = "", by proxy: Int? = nil) -> String {
        "s3://bucket\(prefix.isEmpty ? "" : "/\(prefix)")?endpoint=http://127.0.0.1:\(proxy ?? port)"
    }

    /// In parts as small as S3 has them.
    func destination(by port: Int) -> String { url(by: port) + "&part-size=5MiB" }

    func received(_ name: String) throws -> String { try copy(name) }

    func forget(_ name: String) {
        try? FileManager.default.removeItem(atPath: directory.file("copies/" + name))
        _ = try? Shell.run(rclone("purge \(Shell.quoted(":s3:bucket/\(name)"))"))
    }

    func chunk(_ record: ProxyRecord) -> String? {
        record.method == "PUT" && record.query.contains("partNumber") ? record.path + "?" + record.query : nil
    }

    /// A line that runs rclone against it.
    func rclone(_ words: String) -> String {
        let tool = (try? PythonTools.path("rclone")) ?? "rclone"
        let keys = environment.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        return "\(keys) RCLONE_S3_PROVIDER=SeaweedFS RCLONE_S3_ENV_AUTH=true "
            + "RCLONE_S3_ENDPOINT=http://127.0.0.1:\(port) RCLONE_CONFIG=/dev/null \(tool) --low-level-retries 1 "
            + "--retries 1 \(words)"
    }

    /// Every key and its size, "SIZE KEY", in the order of the keys.
    func listing() throws -> [String] {
        try Shell.must("\(rclone("lsf -R --files-only --format sp --separator ' ' :s3:bucket")) 2>/dev/null | sort -k2")
            .split(separator: "\n").map(String.init).filter { !$0.hasSuffix(" ready") }
    }

    /// Everything below a key, as files.
    /// - Returns: the directory.
    func copy(_ key: String) throws -> String {
        let place = directory.file("copies/" + key)
        try Shell.must("\(rclone("sync \(Shell.quoted(":s3:bucket/\(key)")) \(Shell.quoted(place))")) 2>&1")
        return place
    }

    /// An object's bytes are a file's.
    func expect(_ key: String, is path: String) throws {
        try Shell.must("\(rclone("cat \(Shell.quoted(":s3:bucket/\(key)"))")) | cmp - \(Shell.quoted(path))")
    }

    /// Whether they are at this moment.
    func has(_ key: String, as path: String) throws -> Bool { try Shell.run(comparing(key, path)).code == 0 }

    /// They are soon: a server that has lost one of its own finds it again after some time.
    func await(_ key: String, as path: String, within limit: TimeInterval) throws {
        try Shell.must("until \(comparing(key, path)); do :; done", within: limit)
    }

    private func comparing(_ key: String, _ path: String) -> String {
        "\(rclone("cat \(Shell.quoted(":s3:bucket/\(key)"))")) 2>/dev/null | cmp -s - \(Shell.quoted(path))"
    }

    /// Makes the bucket, and waits until it takes objects: a server may answer before it has a place for them.
    func makeBucket(_ programs: [Program]) throws {
        let alive = programs.map { "kill -0 \($0.pid)" }.joined(separator: " && ")
        let (code, _) = try Shell.run(
            "until { \(rclone("mkdir :s3:bucket")) && echo ok | \(rclone("rcat :s3:bucket/ready")); } 2>/dev/null; "
                + "do \(alive) || exit 1; done", within: 60)
        try #require(code == 0, "no bucket: \(programs.map { $0.output.suffix(2000) }.joined(separator: "\n"))")
    }
}

/// What Tests/run installs from PyPI.
enum PythonTools {
    static func path(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.path + "/.venv/bin/\(name)"
        try #require(access(path, X_OK) == 0, "\(path) is missing: Tests/run installs it")
        return path
    }
}
