import Glibc
import Logging
import ServiceLifecycle
import UnixSignals
import UploadCore
import UploadFuse
import UploadServer
import UploadStore
import UploadTransfer

/// A mount from its first breath to its last: what it is made of, and in which order that begins and ends.
struct MountProcess: Sendable {
    let target: MountTarget
    let settings: MountSettings
    /// Who waits for the mount to answer.
    let ready: Background.Signal?

    func run() async throws {
        do {
            try await mount()
        } catch {
            let failure = error as? CommandFailure ?? CommandFailure(.failure, "\(error)")
            ready?.tell(failure.code.rawValue, failure.text)
            throw failure
        }
    }

    private func mount() async throws {
        Process.prepare()
        let logger = Log.logger(level: settings.logLevel)
        let path = settings.stateDirectory(for: target)
        try StatePaths.check(path, isOutside: target.mountpoint, "The state directory")
        try Mountpoint.clear(target.mountpoint)
        let credentials = try Credentials(file: settings.tokenFile)
        let state = try openState(path)
        if let lost = state.lostSpool {
            logger.warning(
                "The spool had files and no journal: nobody knows their names. They are kept.",
                metadata: ["directory": "\(lost)"])
        }
        let transfer = try makeClient()
        let outcome: Result<Void, any Error>
        do {
            try await serve(state, transfer, credentials, logger)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await transfer.shutdown()
        do {
            try state.close()
        } catch {
            logger.error("The journal could not be closed.", metadata: ["error": "\(error)"])
        }
        try outcome.get()
    }

    private func openState(_ path: String) throws(CommandFailure) -> StateDirectory {
        func open() throws(StateDirectoryError) -> StateDirectory {
            try StateDirectory(path: path, now: WallClock.now()) { [limit = settings.spoolLimit] place, used in
                limit.bytes(in: place, used: used)
            }
        }
        do throws(StateDirectoryError) {
            return try open()
        } catch {
            guard case .inUse(let process?) = error, EndingProcess.isEnding(process),
                EndingProcess.wait(for: process, within: 30_000)
            else { throw CommandFailure(error, path: path) }
        }
        do throws(StateDirectoryError) {
            return try open()
        } catch {
            throw CommandFailure(error, path: path)
        }
    }

    private func makeClient() throws(CommandFailure) -> CurlClient {
        do {
            // One more than uploads use: probes and aborts find a way when all others are busy. And one for who asks
            // for credentials, without which nothing else goes on. Reads have their own, and listings and uploads don't wait
            // for each other.
            let listings = settings.listRefresh == nil ? 0 : MountedFileSystem.listingsAtOnce
            let connections = settings.engine.connections + settings.reading.connections + listings
            return try CurlClient(
                options: CurlOptions(
                    maximumConnections: connections + 2, maximumConnectionsPerHost: connections + 1,
                    connectTimeout: settings.connectTimeout, stallTime: settings.stallTime,
                    certificateAuthorities: settings.authorityFile,
                    // A page of 1,000 keys, each as long as it may be, and each character of it escaped.
                    maximumAnswer: settings.listRefresh == nil ? 1 << 20 : 16 << 20))
        } catch {
            throw CommandFailure(.failure, FailureSentences.failure(for: error).reason)
        }
    }

    private func serve(
        _ state: StateDirectory, _ client: CurlClient, _ credentials: Credentials, _ logger: Logger
    ) async throws {
        guard let url = target.destination else {
            try StatePaths.check(settings.directory, isOutside: target.mountpoint, "The server's directory")
            let embedded = try EmbeddedServer(
                directory: settings.directory, port: EmbeddedServer.lastPort(state.journal), logger: logger)
            try await withRunning(embedded, logger) { port in
                try EmbeddedServer.remember(port, state.journal)
                let url = "http://127.0.0.1:\(port)"
                let destination = NativeDestination(
                    baseURL: url, client: client, credentials: { embedded.token },
                    options: try nativeOptions(state.journal))
                try await serve(state, destination, label: "\(url) (storing below \(settings.directory))", logger)
            }
            return
        }
        let destination: any Destination
        if let location = target.bucket {
            destination = try await bucket(location, client, state.journal, logger)
        } else {
            guard settings.onConflict == .overwrite, settings.objectRules == S3ObjectRules() else {
                throw CommandFailure(
                    .configuration,
                    "--on-conflict, --object-rules and their like are of S3 buckets: \(url) is none.")
            }
            destination = NativeDestination(
                baseURL: url, client: client, credentials: { credentials.token },
                options: try nativeOptions(state.journal))
        }
        try await Reachability(destination: destination, journal: state.journal, mayBeOffline: settings.offline)
            .check(url, logger)
        try await serve(state, destination, label: url, logger)
    }

    private func bucket(
        _ location: S3Location, _ client: CurlClient, _ journal: any Journal, _ logger: Logger
    ) async throws -> S3Destination {
        S3Destination(
            location, client: client, credentials: try await S3Keys(client: client, logger: logger),
            options: S3Options(
                parallelChunks: settings.engine.parallelChunks, onConflict: settings.onConflict,
                rules: settings.objectRules, origin: try Machine.origin(journal), host: Machine.name))
    }

    private func nativeOptions(_ journal: any Journal) throws(JournalError) -> NativeOptions {
        NativeOptions(parallelChunks: settings.engine.parallelChunks, origin: try Machine.origin(journal))
    }

    /// Runs the embedded server around a mount: it is there before the first request and after the last.
    private func withRunning(
        _ embedded: EmbeddedServer, _ logger: Logger, _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            // No signals of its own: it ends when the mount has.
            let group = ServiceGroup(services: [embedded.server], logger: logger)
            tasks.addTask {
                do {
                    try await group.run()
                } catch let error as UploadServerError {
                    throw CommandFailure(error)
                }
            }
            tasks.addTask {
                let port: Int
                do {
                    port = try await embedded.server.boundPort()
                } catch let error as UploadServerError {
                    throw CommandFailure(error)
                }
                let outcome: Result<Void, any Error>
                do {
                    try await body(port)
                    outcome = .success(())
                } catch {
                    outcome = .failure(error)
                }
                await group.triggerGracefulShutdown()
                try outcome.get()
            }
            try await tasks.waitForAll()
        }
    }

    /// Mounts, and stays until it is unmounted.
    private func serve(
        _ state: StateDirectory, _ destination: some Destination, label: String, _ logger: Logger
    ) async throws {
        var journal: any Journal = state.journal
        var spool: any Spool = state.spool
        var destination: any Destination = destination
        if let point = try CrashPoint.fromEnvironment() {
            journal = CrashingJournal(journal: journal, point: point)
            spool = CrashingSpool(spool: spool, point: point)
            destination = CrashingDestination(destination: destination, point: point)
        }
        try await serve(journal, spool, destination, tidying: state.journal, label: label, logger)
    }

    private func serve(
        _ journal: any Journal, _ spool: any Spool, _ destination: any Destination, tidying tidied: SQLiteJournal,
        label: String, _ logger: Logger
    ) async throws {
        guard settings.listRefresh == nil || destination.limits.canList else {
            throw CommandFailure(
                .configuration,
                "--list shows what lies in a bucket of S3: \(label) can't tell what lies there. Mount without it.")
        }
        let clock = ContinuousClock()
        let listing = settings.listRefresh.map { refresh in
            ListingConfiguration(source: destination, refresh: refresh, clock: clock, board: ListingBoard())
        }
        var configuration = MountConfiguration(
            mountpoint: target.mountpoint, destination: target.destination ?? "uploadfs",
            classifier: settings.classifier, schedule: { destination.limits.schedule(for: $0) },
            maximumFileSize: { [limit = settings.maximumFileSize] in
                [limit, destination.limits.maximumFileSize].compactMap { $0 }.min()
            },
            showStatusDirectory: settings.showStatusDirectory, owner: geteuid(), group: getegid())
        configuration.types = { [types = settings.types] in [types, destination.limits.types] }
        configuration.closesDurably = settings.durableClose
        configuration.publishesTorn = settings.publishInterrupted
        configuration.followsSymlinks = settings.followSymlinks
        configuration.canMove = { destination.limits.canMove }
        configuration.mayDelete = { [isAllowed = settings.allowDelete] in isAllowed && destination.limits.canDelete }
        configuration.listing = listing
        let namespace = try Namespace(
            journal: journal, spool: spool, configuration: configuration, now: WallClock.now)
        let board = StatusBoard(
            names: namespace, process: getpid(), destination: label, finished: try journal.finishedTotals(),
            now: WallClock.now)
        let stopwatch = Stopwatch(clock)
        let world = EngineWorld(
            spool: spool, journal: journal, destination: destination, names: namespace, board: board,
            clock: clock, stopwatch: stopwatch, now: WallClock.now, random: { Double.random(in: 0..<1) },
            log: Log.engine(logger), offload: Disk.run)
        let reading = ReadBack(world: world, settings: settings.reading)
        defer { reading.stop() }
        let front = UploadFront(
            board: board, journal: journal, names: namespace, gauge: spool.gauge, stopwatch: stopwatch,
            remark: { destination.remark }, readFailure: { reading.failure(of: $0) }, listing: listing?.board)
        let engine = UploadEngine(world: world, settings: settings.engine)
        let filesystem = MountedFileSystem(
            namespace: namespace, uploads: front, remoteFiles: reading, logger: logger)
        await engine.recover(boot: Machine.boot)
        do {
            try filesystem.mount()
        } catch {
            throw CommandFailure(error)
        }
        let outcome: Result<Void, any Error>
        do {
            try await runServices(filesystem, engine, front, tidied, label, logger)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await filesystem.endListing()
        try outcome.get()
    }

    private func runServices(
        _ filesystem: MountedFileSystem, _ engine: UploadEngine, _ front: UploadFront, _ journal: SQLiteJournal,
        _ label: String, _ logger: Logger
    ) async throws {
        let mounted = FileSystemService(filesystem: filesystem) { [ready, target] in
            logger.notice("mounted", metadata: ["mountpoint": "\(target.mountpoint)", "destination": "\(label)"])
            ready?.tell(0, "")
        }
        var services = ServiceGroupConfiguration(
            // Ended in reverse: first no more writers, then no more requests.
            services: [
                .init(service: CheckpointService(journal: journal, logger: logger)),
                .init(service: EngineService(engine: engine, front: front)),
                .init(
                    service: mounted, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: LastResort()),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: logger)
        services.maximumGracefulShutdownDuration = .seconds(4)
        try await ServiceGroup(configuration: services).run()
        logger.notice("unmounted", metadata: ["mountpoint": "\(target.mountpoint)"])
    }
}

extension MountSettings {
    /// Where this mount keeps spool and journal.
    func stateDirectory(for target: MountTarget) -> String {
        stateDirectory.map(Paths.absolute)
            ?? StatePaths.standard(
                destination: target.destination ?? "embedded:\(directory)", mountpoint: target.mountpoint)
    }
}
