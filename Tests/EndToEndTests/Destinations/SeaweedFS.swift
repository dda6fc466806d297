import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// A SeaweedFS of one test: master, volume server, filer and S3 gateway in one process.
final class ObjectStore: Bucket {
    let port: Int
    let directory: TemporaryDirectory
    private let program: Program

    init() throws {
        directory = try TemporaryDirectory()
        port = try Weed.freePorts(4)
        program = try Weed.run(
            ["server", "-dir=\(directory.path)", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
                + ["-master.port=\(port + 1)", "-volume.port=\(port + 2)", "-filer.port=\(port + 3)"]
                + ["-master.volumeSizeLimitMB=256", "-master.telemetry=false", "-volume.max=100", "-s3"]
                + Weed.gateway(port, directory))
        try makeBucket([program])
    }

    deinit { Weed.end([program]) }
}

/// A SeaweedFS of several machines, all of them this one: a master, two volume servers, and a filer with the gateway.
final class ObjectCluster: Bucket {
    let port: Int
    let directory: TemporaryDirectory
    private let others: [Program]
    private let volumes: Volumes

    /// The servers that keep the bytes.
    private final class Volumes: Sendable {
        private let programs: Mutex<[Program?]>
        private let start: @Sendable (Int) throws -> Program

        init(_ start: @escaping @Sendable (Int) throws -> Program) throws {
            self.start = start
            programs = Mutex([try start(0), try start(1)])
        }

        func kill(_ number: Int) {
            programs.withLock { programs in
                programs[number]?.signal(SIGKILL)
                _ = programs[number]?.waitForEnd(within: 10)
                programs[number] = nil
            }
        }

        func restart(_ number: Int) throws {
            let program = try start(number)
            programs.withLock { $0[number] = program }
        }

        var running: [Program] { programs.withLock { $0.compactMap { $0 } } }
    }

    init() throws {
        let directory = try TemporaryDirectory()
        let port = try Weed.freePorts(5)
        self.directory = directory
        self.port = port
        let here = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        for name in ["master", "v0", "v1", "filer"] {
            try FileManager.default.createDirectory(
                atPath: directory.file(name), withIntermediateDirectories: true)
        }
        let master = try Weed.run(
            ["master", "-port=\(port + 1)", "-mdir=\(directory.file("master"))", "-volumeSizeLimitMB=64"]
                + ["-telemetry=false"] + here)
        volumes = try Volumes { number in
            try Weed.run(
                ["volume", "-port=\(port + 2 + number)", "-dir=\(directory.file("v\(number)"))", "-max=50"]
                    + ["-master=127.0.0.1:\(port + 1)"] + here)
        }
        let filer = try Weed.run(
            ["filer", "-port=\(port + 4)", "-master=127.0.0.1:\(port + 1)"]
                + ["-defaultStoreDir=\(directory.file("filer"))", "-s3"] + Weed.gateway(port, directory) + here)
        others = [filer, master]
        try makeBucket(others + volumes.running)
    }

    deinit {
        Weed.end(others + volumes.running)
    }

    /// One of the two that keep bytes dies.
    func killVolume(_ number: Int) { volumes.kill(number) }

    /// Bytes that it keeps.
    func bytes(ofVolume number: Int) throws -> Int {
        Int(try Shell.must("cat \(directory.file("v\(number)"))/*.dat | wc -c").trimmingCharacters(in: .newlines)) ?? 0
    }

    func restartVolume(_ number: Int) throws { try volumes.restart(number) }
}

enum Weed {
    static func run(_ arguments: [String]) throws -> Program {
        try Program(try PythonTools.path("weed"), ["-logtostderr=true"] + arguments)
    }

    /// At once: asked to end, each takes ten seconds for it.
    static func end(_ programs: [Program]) {
        for program in programs { program.signal(SIGKILL) }
        for program in programs { _ = program.waitForEnd(within: 10) }
    }

    /// What the S3 gateway is told.
    static func gateway(_ port: Int, _ directory: TemporaryDirectory) throws -> [String] {
        let settings = directory.file("s3.json")
        try """
        {"identities": [{"name": "test",
         "credentials": [{"accessKey": "\(BucketKeys.access)", "secretKey": "\(BucketKeys.secret)"}],
         "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
        """.write(toFile: settings, atomically: true, encoding: .utf8)
        return ["-s3.port=\(port)", "-s3.config=\(settings)", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    }

    /// The first of some that are free, with those for gRPC, which lie 10,000 above.
    static func freePorts(_ count: Int) throws -> Int {
        for _ in 0..<100 {
            // Below those that the kernel gives to others.
            let first = Int.random(in: 1000..<2200) * 10
            if (0..<count).allSatisfy({ isFree(first + $0) && isFree(first + $0 + 10_000) }) { return first }
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
