import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle
import UploadCore

/// The upload server: the receiving end of the native protocol, in `uploadfs serve` and inside a mount that has
/// no other destination. Its reference is `openapi.yaml`.
///
/// - `Routes/` HTTP: what a request asks, whether it may, and how the answer reads. No files.
/// - `Store/` what was received: files, their order and their durability. No HTTP.
/// - `Service/` the pieces between Hummingbird and us.
///
/// Nothing in here knows the mount, the engine or the client.
package final class UploadServer: Service {
    private let configuration: UploadServerConfiguration
    private let logger: Logger
    private let store: SessionStore
    private let bound: BoundPort
    private let routes: UploadRoutes

    /// How long requests that are under way may take to finish once the server shall stop.
    private static let drainTime = Duration.seconds(3)
    /// How often expired sessions are looked for; each is refused from the moment of its expiry anyway.
    private static let sweepInterval = Duration.seconds(15 * 60)
    /// Prepares the directory and reads back the sessions that an earlier server left; listens to nothing yet.
    package convenience init(configuration: UploadServerConfiguration, logger: Logger) throws(UploadServerError) {
        try self.init(configuration: configuration, logger: logger, now: Self.wallClock)
    }

    /// - Parameter now: the wall clock, by which sessions expire.
    init(
        configuration: UploadServerConfiguration, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) throws(UploadServerError) {
        try configuration.check()
        self.configuration = configuration
        self.logger = logger
        store = try SessionStore(
            path: configuration.directory, lifetime: configuration.sessionLifetime,
            maximumSessions: configuration.maximumSessions, now: now)
        bound = BoundPort()
        routes = UploadRoutes(configuration: configuration, store: store, bound: bound)
    }

    /// The port that is listened on, as soon as it is; or why it never will be.
    package func boundPort() async throws(UploadServerError) -> Int {
        try await bound.wait()
    }

    /// Serves until graceful shutdown (requests under way may finish, for 3 s) or cancellation.
    /// May be called once.
    package func run() async throws {
        store.calls.start()
        let outcome: Result<Void, any Error>
        do {
            try await serve()
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        bound.settle(.failure(.stopped))
        try await store.calls.stop()
        try outcome.get()
    }

    private func serve() async throws {
        try Task.checkCancellation()
        let (host, port) = (configuration.host, configuration.port)
        let application = Application(
            responder: routes,
            server: HTTPServerBuilder { [routes] responder in
                LoopBoundChannel(responder: responder, wantsBody: routes.wouldRead)
            },
            configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            onServerRunning: { [bound] channel in bound.settle(.success(channel.localAddress?.port ?? port)) },
            eventLoopGroupProvider: .singleton,
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { [bound] in
                do {
                    try await application.run()
                } catch {
                    guard bound.current == nil, !(error is CancellationError) else { throw error }
                    let reason = UploadServerError.binding(error, host: host, port: port)
                    bound.settle(.failure(reason))
                    throw reason
                }
            }
            tasks.addTask { [store] in
                await cancelWhenGracefulShutdown {
                    repeat { await store.sweep() } while (try? await Task.sleep(for: Self.sweepInterval)) != nil
                }
                // Its end is not the server's.
                try await gracefulShutdown()
                try await Task.sleep(for: Self.drainTime)
            }
            // Either all requests are answered, or their time is up.
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }

    private static func wallClock() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}

extension UploadServerError {
    /// Why listening failed, as NIO tells it.
    fileprivate static func binding(_ error: any Error, host: String, port: Int) -> UploadServerError {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: .portInUse(host: host, port: port)
        case let error as IOError where error.errnoCode == EACCES: .bindPermission(host: host, port: port)
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL: .addressUnavailable(host: host)
        case is SocketAddressError.UnknownHost: .addressUnavailable(host: host)
        default: .bindFailed(host: host, port: port, detail: "\(error)")
        }
    }
}
