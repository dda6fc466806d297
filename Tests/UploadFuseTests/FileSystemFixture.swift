import Glibc
import Logging
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadFuse

/// A filesystem without a mount, over a journal and a spool in memory. Files count from 2 (the root
/// is 1), versions from 1.
final class FileSystemFixture: Sendable {
    let journal = MemoryJournal()
    let spool: MemorySpool
    let uploads: FakeUploads
    let namespace: Namespace
    let fileSystem: FileSystem

    static let caller = FileSystem.Caller(owner: 1000, group: 1000)

    /// Of which /proc tells nothing.
    static let unknownThread: Int32 = 99

    /// Threads that die by a signal when they flush.
    private let doomed = Doomed()

    final class Doomed: Sendable {
        let threads = Mutex<Set<Int32>>([])
    }

    init(
        maximumFileSize: Int64? = nil, showStatusDirectory: Bool = false, spoolLimit: Int64 = .max,
        closesDurably: Bool = false, types: [String] = [], followsSymlinks: Bool = false, canMove: Bool = false,
        mayDelete: Bool = false, remoteFiles: (any RemoteFiles)? = nil, listing: FakeListing? = nil
    ) throws {
        spool = MemorySpool(limit: spoolLimit)
        uploads = FakeUploads(gauge: spool.gauge)
        var configuration = MountConfiguration(
            mountpoint: "/nowhere", destination: "test", schedule: { _ in .equal(8) }, owner: 0, group: 0)
        configuration.maximumFileSize = { maximumFileSize }
        configuration.showStatusDirectory = showStatusDirectory
        configuration.closesDurably = closesDurably
        configuration.followsSymlinks = followsSymlinks
        configuration.canMove = { canMove }
        configuration.mayDelete = { mayDelete }
        configuration.types = { [ContentRules(types)] }
        configuration.listing = listing.map {
            ListingConfiguration(source: $0, refresh: .seconds(1000), clock: $0.clock, board: $0.board)
        }
        configuration.processes = ProcessTable(
            process: { $0 == Self.unknownThread ? 0 : $0 },
            death: { [doomed] thread in
                doomed.threads.withLock { $0.contains(thread) } ? ProcessTable.Death(signal: 9, program: "cp") : nil
            },
            isAlive: { [doomed] process in !doomed.threads.withLock { $0.contains(process) } })
        let clock = Clock()
        namespace = try Namespace(
            journal: journal, spool: spool, configuration: configuration, now: { clock.tick() })
        fileSystem = FileSystem(
            namespace: namespace, uploads: uploads, remoteFiles: remoteFiles,
            logger: Logger(label: "test") { _ in
                SwiftLogNoOpLogHandler()
            })
    }

    /// Every moment is a second later than the one before.
    private final class Clock: Sendable {
        private let seconds = Atomic<Int64>(1_750_000_000)

        func tick() -> Timestamp {
            Timestamp(seconds: seconds.wrappingAdd(1, ordering: .relaxed).newValue)
        }
    }

    // MARK: Calls as the kernel makes them

    func create(_ name: String, in parent: UInt64 = 1, flags: Int32 = O_WRONLY) throws -> OpenHandle {
        try fileSystem.create(Array(name.utf8), in: parent, mode: 0o644, flags: flags, by: Self.caller).opened.handle
    }

    func makeDirectory(_ name: String, in parent: UInt64 = 1) throws -> UInt64 {
        try fileSystem.makeDirectory(Array(name.utf8), in: parent, mode: 0o755, by: Self.caller).attributes.inode
    }

    @discardableResult
    func write(_ handle: OpenHandle, _ text: String, at offset: Int64 = 0, by thread: Int32 = 0) throws -> Int {
        switch try answer(handle, text, at: offset, by: thread) {
        case .written(let count): return count
        case .parked:
            Issue.record("the write waits for room")
            return 0
        }
    }

    func answer(
        _ handle: OpenHandle, _ text: String, at offset: Int64 = 0, by thread: Int32 = 0
    ) throws -> WriteAnswer {
        let bytes = Array(text.utf8)
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(FileSystemError) in
                try fileSystem.write(handle, MemorySource(bytes: bytes), at: offset, by: thread)
            }
        }
        return try result.get()
    }

    func close(_ handle: OpenHandle, by thread: Int32 = 0) throws {
        defer { fileSystem.release(handle) }
        try fileSystem.flush(handle, by: thread)
    }

    /// A whole file, written and closed.
    @discardableResult
    func make(_ name: String, _ text: String = "text", in parent: UInt64 = 1) throws -> UInt64 {
        let handle = try create(name, in: parent)
        try write(handle, text)
        try close(handle)
        return try #require(try lookup(name, in: parent)).attributes.inode
    }

    /// A file with "half" in it, by a thread that dies when it flushes.
    func halfWritten(_ name: String = "a", by thread: Int32) throws -> OpenHandle {
        let handle = try create(name)
        try write(handle, "half", by: thread)
        doom(thread)
        return handle
    }

    /// From now on this thread is dying of a signal.
    func doom(_ thread: Int32) { doomed.threads.withLock { _ = $0.insert(thread) } }

    /// A file with text in it that was closed, and whose RELEASE the kernel has not brought yet.
    func closedUnreleased(_ name: String = "a", _ text: String = "closed") throws -> OpenHandle {
        let handle = try create(name)
        try write(handle, text)
        try fileSystem.flush(handle)
        return handle
    }

    /// A whole file that is published.
    func makePublished(_ name: String = "a") throws -> UInt64 {
        let inode = try make(name)
        try publish(VersionID(1))
        return inode
    }

    /// As the engine does when the destination has it.
    func publish(_ version: VersionID) throws {
        let receipt = PublishReceipt(url: "u", size: 4, digest: "d")
        try journal.apply([.published(version, receipt, at: Timestamp(seconds: 1))])
    }

    /// As the engine does: its name is fixed from then on.
    func publish(_ version: VersionID, as file: FileID) throws {
        _ = try namespace.claim(file)
        try publish(version)
        namespace.release(file, published: true)
    }

    /// Written anew, and not closed.
    func rewritten(_ inode: UInt64, _ text: String) throws -> OpenHandle {
        let handle = try open(inode, O_WRONLY | O_TRUNC)
        try write(handle, text)
        return handle
    }

    func open(_ inode: UInt64, _ flags: Int32 = O_WRONLY) throws -> OpenHandle {
        try fileSystem.open(inode, flags: flags).handle
    }

    func lookup(_ name: String, in parent: UInt64 = 1) throws -> Entry? {
        try fileSystem.lookup(Array(name.utf8), in: parent)
    }

    @discardableResult
    func link(_ inode: UInt64, _ name: String, in parent: UInt64 = 1) throws -> Entry {
        try fileSystem.link(inode, to: Array(name.utf8), in: parent)
    }

    /// "a", closed, and "b", the same.
    func linked(_ text: String = "text") throws -> UInt64 {
        let inode = try make("a", text)
        try link(inode, "b")
        _ = uploads.takeEvents()
        return inode
    }

    /// The same state, mounted again.
    func mountedAgain(followsSymlinks: Bool = false) throws -> FileSystem {
        var configuration = namespace.configuration
        configuration.followsSymlinks = followsSymlinks
        let next = try Namespace(journal: journal, spool: spool, configuration: configuration, now: namespace.now)
        return FileSystem(namespace: next, uploads: uploads, logger: fileSystem.logger)
    }

    func upload(_ version: Int64) throws -> UploadRecord? { try journal.upload(VersionID(version)) }

    func unlink(_ name: String, in parent: UInt64 = 1) throws {
        try fileSystem.unlink(Array(name.utf8), in: parent)
    }

    func rename(
        _ name: String, to newName: String, from parent: UInt64 = 1, into newParent: UInt64 = 1,
        flags: FileSystem.RenameFlags = []
    ) throws {
        try fileSystem.rename(
            Array(name.utf8), in: parent, to: Array(newName.utf8), in: newParent, flags: flags)
    }

    func content(_ handle: OpenHandle) throws -> String {
        switch try fileSystem.read(handle, 1 << 20, at: 0) {
        case .spool(let file, _, let count): return String(decoding: try file.contents().prefix(count), as: UTF8.self)
        case .bytes(let bytes): return String(decoding: bytes, as: UTF8.self)
        case .parked: return "(parked)"
        }
    }

    func names(in inode: UInt64 = 1) throws -> [String] {
        let handle = try fileSystem.openDirectory(inode)
        var names: [String] = []
        try fileSystem.list(handle, from: 0, countsLookups: false) {
            names.append($0.name); return true
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    /// What was journalled of one version since, in words.
    func journalled(_ version: Int64) -> [String] {
        journal.applied.joined().compactMap { change -> String? in
            switch change {
            case .insertUpload(let upload) where upload.version.rawValue == version: "inserted"
            case .closed(VersionID(version), let size, _): "closed \(size)"
            case .reopened(VersionID(version)): "reopened"
            default: nil
            }
        }
    }
}
