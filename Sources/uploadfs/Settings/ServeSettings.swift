import ArgumentParser

/// The options of `uploadfs serve`.
struct ServeOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp(Settings.listen.optionHelp))
    var listen: String?

    @Option(name: .long, help: ArgumentHelp(Settings.serverFileSize.optionHelp))
    var maxFileSize: String?

    @Option(name: .long, help: ArgumentHelp(Settings.allowedTypes.optionHelp))
    var allowType: String?

    @Flag(name: .long, help: ArgumentHelp(Settings.publicRead.optionHelp))
    var publicRead = false

    @Option(name: .long, help: ArgumentHelp(Settings.publicURL.optionHelp))
    var publicUrl: String?

    @Option(name: .long, help: ArgumentHelp(Settings.sessionLifetime.optionHelp))
    var sessionLifetime: String?

    @Option(name: .long, help: ArgumentHelp(Settings.maximumSessions.optionHelp))
    var maxSessions: String?
}

/// The settings in force for a server.
struct ServeSettings: Sendable {
    let directory: String
    let host: String
    let port: Int
    let tokenFile: String?
    let logLevel: String
    let maximumFileSize: Int64?
    let allowedTypes: [String]
    let publicRead: Bool
    let publicURL: String?
    let sessionLifetime: Duration
    let maximumSessions: Int

    init(common: CommonOptions, options: ServeOptions) async throws(CommandFailure) {
        let source = try await SettingsSource(file: common.config)
        directory = try source.optional(Settings.directory, common.directory) ?? Directories.received
        let address = try source.value(Settings.listen, options.listen)
        (host, port) = try Self.split(address)
        tokenFile = try source.optional(Settings.tokenFile, common.tokenFile)
        logLevel = try source.value(Settings.logLevel, common.logLevel)
        maximumFileSize = try source.value(Settings.serverFileSize, options.maxFileSize)
        allowedTypes = try source.value(Settings.allowedTypes, options.allowType)
        publicRead = try source.value(Settings.publicRead, options.publicRead ? "true" : nil)
        publicURL = try source.optional(Settings.publicURL, options.publicUrl)
        sessionLifetime = try source.value(Settings.sessionLifetime, options.sessionLifetime)
        maximumSessions = try source.value(Settings.maximumSessions, options.maxSessions)
    }

    /// `127.0.0.1:8080`, `[::1]:8080`, `:8080` (loopback), `8080` (loopback).
    static func split(_ address: String) throws(CommandFailure) -> (host: String, port: Int) {
        let colon = address.lastIndex(of: ":")
        let portText = colon.map { address[address.index(after: $0)...] } ?? address[...]
        guard let port = Int(portText), (0...65535).contains(port) else {
            throw CommandFailure(
                .usage, "--listen is \"\(address)\", but must be ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080.")
        }
        var host = colon.map { String(address[..<$0]) } ?? ""
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host.isEmpty ? "127.0.0.1" : host, port)
    }
}
