import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// The program that was built with these tests.
enum Binary {
    static let path: String = {
        // Another build of it: Tests/sanitize has one.
        if let other = ProcessInfo.processInfo.environment["UPLOADFS_BINARY"] { return other }
        // The test runner lies beside it.
        let here = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return here.appendingPathComponent("uploadfs").path
    }()

    /// Runs a command to its end.
    static func run(_ arguments: String..., environment: [String: String] = [:], within limit: TimeInterval = 60) throws
        -> (code: Int32, output: String)
    {
        let program = try Program(path, arguments, environment: environment)
        defer { program.end(within: 1) }
        let code = try #require(program.waitForEnd(within: limit), "still running: \(arguments)\n\(program.output)")
        return (code, program.finalOutput())
    }
}

/// An `uploadfs serve` of one test.
final class Server: Sendable {
    let program: Program
    let port: Int
    let directory: String

    init(_ directory: String, port: Int = 0, options: [String] = [], environment: [String: String] = [:]) throws {
        self.directory = directory
        program = try Program(
            Binary.path,
            ["serve", "--directory", directory, "--listen", "127.0.0.1:\(port)", "--log-level", "warning"] + options,
            environment: environment)
        let line = try program.line(with: "listening on")
        let address = try #require(line.split(separator: " ").first { $0.hasPrefix("http://") })
        self.port = try #require(Int(address.split(separator: ":")[2].prefix { $0.isNumber }))
    }

    deinit { program.end(within: 5) }

    /// Ends it by a signal, and by force when that takes too long. Its port is free when this returns.
    func end(by signal: Int32) {
        program.signal(signal)
        if program.waitForEnd(within: 5) == nil { program.end(within: 5) }
    }

    /// The file as the server's directory has it.
    func file(_ name: String) -> String { directory + "/" + name }
}

/// A mount of one test: unmounted and ended however the test ends, by a watchdog if need be.
final class Mounted: Sendable {
    let program: Program
    let mountpoint: String
    /// Where it lies: not removed before it is unmounted.
    private let directory: TemporaryDirectory?
    private let watchdog: Watchdog
    private let isKilled = Mutex(false)

    /// - Parameters:
    ///   - destination: nil: the embedded server.
    ///   - limit: seconds until the watchdog detaches the mount and kills its process.
    ///   - launcher: what is run, up to the command; it keeps its process.
    init(
        _ destination: String?, at mountpoint: String, state: String, options: [String] = [],
        environment: [String: String] = [:], limit: TimeInterval = 240, in directory: TemporaryDirectory? = nil,
        program launcher: [String] = [Binary.path]
    ) throws {
        self.directory = directory
        // A dead mount that is still there is none that could be made.
        mkdir(mountpoint, 0o700)
        self.mountpoint = mountpoint
        program = try Program(
            launcher[0],
            launcher.dropFirst() + ["mount"] + [destination, mountpoint].compactMap { $0 } + ["--state-dir", state]
                + options,
            environment: environment)
        watchdog = Watchdog(program, mountpoint, limit)
        guard program.possibleLine(with: " mounted") != nil else {
            watchdog.dismiss()
            Self.tearDown(program, mountpoint)
            throw NotMounted(output: program.output)
        }
    }

    struct NotMounted: Error {
        let output: String
    }

    deinit {
        watchdog.dismiss()
        // The mountpoint may be the next one's by now.
        guard !isKilled.withLock({ $0 }) else { return }
        Self.tearDown(program, mountpoint)
    }

    /// Ends its process as a crash does; what is mounted stays behind, dead.
    func kill() -> Int32? {
        isKilled.withLock { $0 = true }
        watchdog.dismiss()
        program.signal(SIGKILL)
        return program.waitForEnd(within: 5)
    }

    fileprivate static func tearDown(_ program: Program, _ mountpoint: String) {
        program.end(within: 8)
        umount2(mountpoint, Int32(MNT_DETACH))
    }

    func path(_ name: String) -> String { mountpoint + "/" + name }

    /// A virtual file's text.
    func status(_ name: String) throws -> String {
        try String(contentsOfFile: mountpoint + "/.uploadfs/" + name, encoding: .utf8)
    }

    /// Waits until the file is uploaded.
    /// - Returns: its URL.
    @discardableResult
    func wait(for name: String, within limit: TimeInterval = 120) throws -> String {
        try Shell.must("cat \(Shell.quoted(mountpoint + "/.uploadfs/wait/" + name))", within: limit)
            .trimmingCharacters(in: .newlines)
    }

    /// Waits until everything is uploaded.
    func waitForAll(within limit: TimeInterval = 120) throws {
        let (code, output) = try Binary.run("wait", mountpoint, within: limit)
        try #require(code == 0, "\(output)\n\(program.output.suffix(4000))")
    }

    /// Peak resident memory in bytes (VmHWM).
    func peakMemory() throws -> Int { try memory("VmHWM:") }

    /// Bytes of it that are resident now.
    func residentMemory() throws -> Int { try memory("VmRSS:") }

    private func memory(_ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(program.pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name) })
        return try #require(Int(line.filter(\.isNumber))) * 1024
    }
}

/// Ends a mount that its test can't end, so that a stuck filesystem never hangs the run.
private final class Watchdog: Sendable {
    private let isDismissed = Mutex(false)
    private let condition = NSCondition()

    init(_ program: Program, _ mountpoint: String, _ limit: TimeInterval) {
        Thread.detachNewThread { [self] in
            let deadline = Date(timeIntervalSinceNow: limit)
            condition.lock()
            while !isDismissed.withLock({ $0 }), condition.wait(until: deadline) {}
            condition.unlock()
            guard !isDismissed.withLock({ $0 }) else { return }
            print(
                "watchdog: \(mountpoint) is detached after \(limit) s; the last log lines:\n\(program.output.suffix(2000))"
            )
            program.signal(SIGKILL)
            umount2(mountpoint, Int32(MNT_DETACH))
        }
    }

    func dismiss() {
        isDismissed.withLock { $0 = true }
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }
}

/// Everything one test needs, in a directory of its own.
struct Scene {
    let directory: TemporaryDirectory
    let source: String

    init() throws {
        directory = try TemporaryDirectory()
        source = directory.file("source")
        try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
    }

    /// A file of random bytes in `source`.
    @discardableResult
    func randomFile(_ name: String, mebibytes: Int) throws -> String {
        let path = source + "/" + name
        try Shell.must("head -c \(mebibytes)M /dev/urandom > \(Shell.quoted(path))")
        return path
    }

    func server(port: Int = 0, options: [String] = ["--max-file-size", "none"], environment: [String: String] = [:])
        throws
        -> Server
    {
        try Server(directory.file("received"), port: port, options: options, environment: environment)
    }

    func mount(
        _ port: Int?, _ options: [String] = [], environment: [String: String] = [:], limit: TimeInterval = 240
    ) throws -> Mounted {
        let place = port == nil ? ["--directory", directory.file("received")] : []
        return try Mounted(
            port.map { "http://127.0.0.1:\($0)" }, at: directory.file("mount"), state: directory.file("state"),
            options: place + options, environment: environment, limit: limit, in: directory)
    }
}
