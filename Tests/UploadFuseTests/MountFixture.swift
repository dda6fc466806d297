import Foundation
import Glibc
import Logging
import Synchronization
import TestSupport
import UploadCore
import UploadFuse
import UploadStore

/// A real mount in a temporary directory, with the real journal and spool and an engine that only
/// listens. Always detached in the end.
final class MountFixture: Sendable {
    let directory: TemporaryDirectory
    let uploads = FakeUploads()
    let journal: SQLiteJournal
    let mounted: MountedFileSystem
    let path: String
    private let ended = DispatchSemaphore(value: 0)

    init(splicesWrites: Bool = false, listing: FakeListing? = nil, patience: Duration = .seconds(5)) throws {
        directory = try TemporaryDirectory()
        path = directory.file("mount")
        mkdir(path, 0o755)
        let spool = try DirectorySpool(directory: directory.file("spool"))
        journal = try SQLiteJournal(path: directory.file("journal.sqlite"), now: Timestamp(seconds: 1_750_000_000))
        var configuration = MountConfiguration(
            mountpoint: path, destination: "a,b\\c", schedule: { _ in .equal(1 << 20) }, owner: geteuid(),
            group: getegid())
        configuration.splicesWrites = splicesWrites
        configuration.listing = listing.map {
            ListingConfiguration(source: $0, refresh: .seconds(1000), clock: ContinuousClock(), board: $0.board)
        }
        configuration.listing?.patience = patience
        let namespace = try Namespace(
            journal: journal, spool: spool, configuration: configuration, now: MountFixture.now)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        mounted = MountedFileSystem(namespace: namespace, uploads: uploads, logger: logger)
        try mounted.mount()
        Thread.detachNewThread { [mounted, ended] in
            _ = mounted.run()
            ended.signal()
        }
    }

    deinit {
        // Also after a test that failed, or left files open.
        mounted.unmount(grace: .seconds(1))
    }

    /// Whether the loop has come to its end within ten seconds.
    func hasEnded() -> Bool { ended.wait(timeout: .now() + 10) == .success }

    var isMounted: Bool {
        (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8))?.contains(" \(path) ") ?? false
    }

    func file(_ name: String) -> String { path + "/" + name }

    @Sendable static func now() -> Timestamp {
        Timestamp(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e9))
    }
}

/// Runs a program and says how it ended and what it printed.
func runProgram(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}
