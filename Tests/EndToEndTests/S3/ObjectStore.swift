import Foundation
import Glibc
import TestSupport
import Testing

/// A SeaweedFS of one test: master, volume server, filer and S3 gateway in one process, with a key of its own and the
/// bucket "bucket". What it has got is looked at with rclone: a second client, which shares nothing with ours.
final class ObjectStore: Sendable {
    static let keys = ["AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "SKTEST"]

    let port: Int
    private let program: Program
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        port = try Self.freePorts()
        let settings = directory.file("s3.json")
        try """
        {"identities": [{"name": "test", "credentials": [{"accessKey": "AKTEST", "secretKey": "SKTEST"}],
         "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
        """.write(toFile: settings, atomically: true, encoding: .utf8)
        program = try Program(
            try Self.tool("weed"),
            [
                "-logtostderr=true", "server", "-dir=\(directory.path)", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                "-master.port=\(port + 1)", "-volume.port=\(port + 2)", "-filer.port=\(port + 3)",
                "-master.volumeSizeLimitMB=256", "-master.telemetry=false", "-s3", "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-s3.port=\(port)", "-s3.config=\(settings)",
            ])
        // It answers before it has a place for objects.
        let (code, _) = try Shell.run(
            "until { \(rclone("mkdir :s3:bucket")) && echo ok | \(rclone("rcat :s3:bucket/ready")); } 2>/dev/null; "
                + "do kill -0 \(program.pid) || exit 1; done", within: 60)
        try #require(code == 0, "no SeaweedFS: \(program.output.suffix(2000))")
    }

    deinit { program.end(within: 10) }

    /// A line that runs rclone against it.
    func rclone(_ words: String) -> String {
        let tool = (try? Self.tool("rclone")) ?? "rclone"
        let keys = Self.keys.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        return "\(keys) RCLONE_S3_PROVIDER=SeaweedFS RCLONE_S3_ENV_AUTH=true "
            + "RCLONE_S3_ENDPOINT=http://127.0.0.1:\(port) RCLONE_CONFIG=/dev/null \(tool) --low-level-retries 1 "
            + "--retries 1 \(words)"
    }

    /// Every key and its size, "SIZE KEY", in the order of the keys.
    func listing() throws -> [String] {
        try Shell.must("\(rclone("lsf -R --files-only --format sp --separator ' ' :s3:bucket")) 2>/dev/null | sort -k2")
            .split(separator: "\n").map(String.init).filter { !$0.hasSuffix(" ready") }
    }

    /// An object's bytes are a file's.
    func expect(_ key: String, is path: String) throws {
        try Shell.must("\(rclone("cat \(Shell.quoted(":s3:bucket/\(key)"))")) | cmp - \(Shell.quoted(path))")
    }

    /// The destination's URL; by way of a proxy where one is given.
    func url(_ prefix: String = "", by proxy: Int? = nil) -> String {
        "s3://bucket\(prefix.isEmpty ? "" : "/\(prefix)")?endpoint=http://127.0.0.1:\(proxy ?? port)"
    }

    private static func tool(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.path + "/.venv/bin/\(name)"
        try #require(access(path, X_OK) == 0, "\(path) is missing: Tests/run installs it")
        return path
    }

    /// The first of four that are free, with those for gRPC, which lie 10,000 above.
    private static func freePorts() throws -> Int {
        for _ in 0..<100 {
            let first = Int.random(in: 2000..<5000) * 10
            if (0..<4).allSatisfy({ isFree(first + $0) && isFree(first + $0 + 10_000) }) { return first }
        }
        throw POSIXError(.EADDRINUSE)
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

extension Scene {
    /// A mount on a bucket.
    func mount(
        _ store: ObjectStore, by proxy: FaultProxy? = nil, _ options: [String] = [], limit: TimeInterval = 240
    ) throws -> Mounted {
        try Mounted(
            store.url("pre", by: proxy?.port), at: directory.file("mount"), state: directory.file("state"),
            options: options, environment: ObjectStore.keys, limit: limit, in: directory)
    }
}
