import Synchronization
import TestSupport
import UploadCore

/// An engine with everything around it in memory, and the filesystem's part played by the test.
final class EngineBench: Sendable {
    let spool: MemorySpool
    let journal: MemoryJournal
    let destination: ScriptedDestination
    let names = Names()
    let clock = ManualClock()
    let board: StatusBoard
    let front: UploadFront
    let engine: UploadEngine
    private let running: Task<Void, Never>
    /// How many closes there were, so that each has its own time.
    private let closes = Mutex<Int64>(0)
    private let told = Told()

    private final class Told: Sendable {
        let troubles = Mutex<[String]>([])
    }

    /// What the log says that went wrong.
    var troubles: [String] { told.troubles.withLock { $0 } }

    static let start = Timestamp(seconds: 1_750_000_000)

    /// The names of files, changed by the test as a tree would.
    final class Names: NameClaims {
        private struct State {
            var paths: [FileID: UploadPath] = [:]
            var claimed: Set<FileID> = []
            var held: Set<FileID> = []
            var givenUp: UInt64 = 0
            var pathChanges: UInt64 = 0
            var pathsAsked = 0
            var isBusy = false
            var error: JournalError?
            var journal: MemoryJournal?
        }

        private let state = Mutex(State())

        /// Where evictions are written down.
        func use(_ journal: MemoryJournal) { state.withLock { $0.journal = journal } }

        func set(_ file: FileID, _ path: UploadPath?) {
            state.withLock { state in
                state.paths[file] = path
                state.pathChanges += 1
            }
        }
        var pathChanges: UInt64 { state.withLock(\.pathChanges) }
        /// How often somebody has asked for one.
        var pathsAsked: Int { state.withLock(\.pathsAsked) }
        var namesGivenUp: UInt64 { state.withLock(\.givenUp) }
        func giveUpName() { state.withLock { $0.givenUp += 1 } }

        /// From now on another file is unlinked whenever somebody asks for a name.
        func giveUpNamesAlways() { state.withLock { $0.isBusy = true } }

        /// Somebody has it open for writing.
        func hold(_ file: FileID) { state.withLock { _ = $0.held.insert(file) } }
        func letGo(_ file: FileID) { state.withLock { _ = $0.held.remove(file) } }
        var claimed: Set<FileID> { state.withLock(\.claimed) }

        /// What every question is answered with from now on; nil: the answer.
        func fail(with error: JournalError?) { state.withLock { $0.error = error } }

        func path(of file: FileID) throws(JournalError) -> UploadPath? {
            let (path, error) = state.withLock { state in
                state.pathsAsked += 1
                return (state.paths[file], state.error)
            }
            if let error { throw error }
            return path
        }

        func claim(_ file: FileID) throws(JournalError) -> ClaimedName? {
            let name = try name(of: file)
            if name != nil { state.withLock { _ = $0.claimed.insert(file) } }
            return name
        }

        func placed(_ owed: OwedMove, _ copy: CopiedObject) throws(JournalError) {
            let (journal, path) = state.withLock { state in (state.journal, owed.file.flatMap { state.paths[$0] }) }
            guard let file = owed.file, let path, try journal?.owedMove(owed.number) != nil else {
                try journal?.apply([.oweDeletion(copy.object, successor: path == nil ? nil : owed.file)])
                return
            }
            try journal?.apply(
                [.placed(file, at: copy.object, sourceTag: copy.sourceTag)]
                    + (path == copy.object.path ? [] : [.oweMove(file, copy.object)]))
        }

        func name(of file: FileID) throws(JournalError) -> ClaimedName? {
            if let error = state.withLock(\.error) { throw error }
            return state.withLock { state in
                guard let path = state.paths[file] else { return nil }
                if state.isBusy { state.givenUp += 1 }
                return ClaimedName(
                    path: path, modified: EngineBench.start, mode: 0o644, namesGivenUp: state.givenUp,
                    mark: ClaimedName.Mark(changed: EngineBench.start, directoriesMoved: 0))
            }
        }

        func evict(_ file: FileID, _ version: VersionID) throws(JournalError) -> Bool {
            if let error = state.withLock(\.error) { throw error }
            let (journal, isHeld) = state.withLock { ($0.journal, $0.held.contains(file)) }
            guard !isHeld else { return false }
            try journal?.apply([.evicted(version)])
            return true
        }

        func release(_ file: FileID, published: Bool) {
            _ = state.withLock { $0.claimed.remove(file) }
        }
    }

    init(
        destination: ScriptedDestination = ScriptedDestination(), journal: MemoryJournal = MemoryJournal(),
        boot: String = "boot", spoolLimit: Int64 = .max,
        prepare: (EngineBench.Names, MemorySpool) throws -> Void = { _, _ in },
        configure: (inout EngineSettings) -> Void = { _ in }
    ) async throws {
        self.destination = destination
        self.journal = journal
        names.use(journal)
        spool = MemorySpool(limit: spoolLimit)
        try prepare(names, spool)
        let clock = clock
        let now: @Sendable () -> Timestamp = { Self.start.advanced(by: clock.now.offset) }
        board = StatusBoard(names: names, process: 1, destination: "memory", finished: (0, 0), now: now)
        let stopwatch = Stopwatch(clock)
        front = UploadFront(board: board, journal: journal, names: names, gauge: spool.gauge, stopwatch: stopwatch)
        var settings = EngineSettings()
        configure(&settings)
        engine = UploadEngine(
            world: EngineWorld(
                spool: spool, journal: journal, destination: destination, names: names, board: board, clock: clock,
                stopwatch: stopwatch, now: now, random: { 0.5 },
                log: EngineLog(
                    phase: { _ in }, trouble: { [told] text, _ in told.troubles.withLock { $0.append(text) } })),
            settings: settings)
        await engine.recover(boot: boot)
        running = Task { [engine, front] in await engine.run(front.events) }
    }

    /// Ends the engine as SIGTERM would.
    func stop() async {
        front.finish()
        await running.value
    }

    // MARK: The filesystem's part

    /// A file that a writer has open.
    struct Writer: Sendable {
        let file: FileID
        let version: VersionID
        let content: any SpoolFile
        let track: WriteTrack
    }

    func create(
        _ name: String, number: Int64, version: Int64? = nil, nameClass: NameClass = .ordinary,
        isSuccessor: Bool = false
    ) throws -> Writer {
        let file = FileID(UInt64(number))
        let version = VersionID(version ?? number)
        names.set(file, try UploadPath(name))
        try journal.apply([
            .insertUpload(
                UploadRecord(
                    version: version, file: file, phase: .receiving, schedule: destination.limits.schedule,
                    contentType: "text/plain", created: Self.start))
        ])
        let writer = Writer(
            file: file, version: version, content: try spool.create(version),
            track: WriteTrack(size: 0, schedule: destination.limits.schedule))
        front.post(
            .opened(
                OpenedVersion(
                    version: version, file: file, track: writer.track, contentType: "text/plain",
                    nameClass: nameClass, isNew: true, isSuccessor: isSuccessor)))
        return writer
    }

    /// Opens a version again for writing.
    /// - Parameter released: bytes that have left the spool.
    func reopen(_ writer: Writer, released: RangeSet<Int64> = RangeSet()) throws -> Writer {
        let again = Writer(
            file: writer.file, version: writer.version, content: writer.content,
            track: WriteTrack(
                size: try writer.content.size(), schedule: destination.limits.schedule, released: released))
        front.post(
            .opened(
                OpenedVersion(
                    version: writer.version, file: writer.file, track: again.track, contentType: "text/plain",
                    nameClass: .ordinary, isNew: false)))
        return again
    }

    func write(_ writer: Writer, _ bytes: [UInt8], at offset: Int64) throws {
        try writer.content.write(bytes, at: offset)
        _ = writer.track.wrote(offset..<offset + Int64(bytes.count))
        front.post(.wrote(writer.version))
    }

    /// - Parameter isAuthorGone: whether the program has ended that wrote it; nil: nobody knows which.
    @discardableResult
    func close(_ writer: Writer, isAuthorGone: Bool? = nil) throws -> Timestamp {
        let size = try writer.content.size()
        let moment = closes.withLock { count in
            count += 1
            return Timestamp(nanoseconds: Self.start.nanoseconds + count)
        }
        try journal.apply([.closed(writer.version, size: size, at: moment)])
        writer.track.finish()
        front.post(.acknowledged(writer.version, at: moment))
        var tells: (@Sendable () -> Bool)?
        if let isAuthorGone { tells = { isAuthorGone } }
        front.post(.closed(writer.version, size: size, at: moment, isAuthorGone: tells))
        return moment
    }

    /// Returns once somebody sleeps until this time after the start.
    func sleepsUntil(_ offset: Duration) async {
        while !clock.deadlines.contains(where: { $0.offset == offset }) { await Task.yield() }
    }

    /// Waits for a file without the settling time.
    func settled(_ file: FileID) async -> FileStatus {
        await withCheckedContinuation { continuation in
            _ = front.whenSettled(file) { continuation.resume(returning: $0) }
        }
    }

    /// What is published under a name.
    func published(_ name: String) async throws -> [UInt8]? {
        await destination.object(at: try UploadPath(name))?.bytes
    }

    /// What is published under a name, as soon as something is.
    /// - Parameter step: how far the clock moves each time that there is nothing yet; nil: it stands.
    @discardableResult
    func untilPublished(_ name: String, advancing step: Duration? = nil) async throws -> [UInt8] {
        while true {
            if let bytes = try await published(name) { return bytes }
            if let step { clock.advance(by: step) }
            await Task.yield()
        }
    }

    /// Different in each chunk and each byte.
    static func bytes(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251 &+ Int(seed)) }
    }
}
