import ArgumentParser
import ServiceLifecycle
import UnixSignals
import UploadCore
import UploadServer

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the upload server that mounts upload to.",
        discussion: """
            Files appear below the directory under the names they were uploaded with, complete and
            verified. What is unfinished lies in .incoming beside them. A mount on another machine goes
            to it with: uploadfs mount http://THIS-MACHINE:PORT MOUNTPOINT

            Beyond loopback a bearer token is needed: in UPLOADFS_TOKEN, or in the file of --token-file.
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: ServeOptions

    func run() async throws {
        let settings = try await ServeSettings(common: common, options: options)
        let logger = Log.logger(level: settings.logLevel)
        let credentials = try Credentials(file: settings.tokenFile)
        Process.prepare()
        let server: UploadServer
        do {
            server = try UploadServer(
                configuration: UploadServerConfiguration(
                    directory: settings.directory, host: settings.host, port: settings.port,
                    maximumFileSize: settings.maximumFileSize, allowedTypes: settings.allowedTypes,
                    token: credentials.token, publicRead: settings.publicRead,
                    sessionLifetime: settings.sessionLifetime, maximumSessions: settings.maximumSessions,
                    publicURL: settings.publicURL),
                logger: logger)
        } catch {
            throw CommandFailure(error)
        }
        let announcing = Task {
            let port = try await server.boundPort()
            let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
            Terminal.line("uploadfs serve: listening on http://\(host):\(port), storing below \(settings.directory)")
        }
        do {
            try await ServiceGroup(
                services: [server], gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: logger
            ).run()
        } catch let error as UploadServerError {
            throw CommandFailure(error)
        }
        announcing.cancel()
    }
}
