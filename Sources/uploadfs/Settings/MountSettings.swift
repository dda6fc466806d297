import ArgumentParser
import UploadCore
import UploadTransfer

/// The options of `uploadfs mount`, one for each row of the table that speaks of mounts.
struct MountOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp(Settings.stateDirectory.optionHelp))
    var stateDir: String?

    @Option(name: .long, help: ArgumentHelp(Settings.connections.optionHelp))
    var connections: String?

    @Option(name: .long, help: ArgumentHelp(Settings.parallelChunks.optionHelp))
    var parallelChunks: String?

    @Option(name: .long, help: ArgumentHelp(Settings.settlingTime.optionHelp))
    var settlingTime: String?

    @Option(name: .long, help: ArgumentHelp(Settings.connectTimeout.optionHelp))
    var connectTimeout: String?

    @Option(name: .long, help: ArgumentHelp(Settings.stallTime.optionHelp))
    var stallTime: String?

    @Option(name: .long, help: ArgumentHelp(Settings.giveUpAfter.optionHelp))
    var giveUpAfter: String?

    @Option(name: .long, help: ArgumentHelp(Settings.maximumFileSize.optionHelp))
    var maxFileSize: String?

    @Option(name: .long, help: ArgumentHelp(Settings.types.optionHelp))
    var allowType: String?

    @Option(name: .long, help: ArgumentHelp(Settings.temporaryNames.optionHelp))
    var temporaryNames: String?

    @Option(name: .long, help: ArgumentHelp(Settings.litterNames.optionHelp))
    var litterNames: String?

    @Option(name: .long, help: ArgumentHelp(Settings.authorityFile.optionHelp))
    var caFile: String?

    @Flag(name: .long, help: ArgumentHelp(Settings.showStatusDirectory.optionHelp))
    var showStatusDirectory = false

    @Option(name: .long, help: ArgumentHelp(Settings.spoolLimit.optionHelp))
    var spoolLimit: String?

    @Option(name: .long, help: ArgumentHelp(Settings.queueInMemory.optionHelp))
    var queueInMemory: String?

    @Option(name: .long, help: ArgumentHelp(Settings.keepFinished.optionHelp))
    var keepFinished: String?

    @Option(name: .long, help: ArgumentHelp(Settings.keepFinishedCount.optionHelp))
    var keepFinishedCount: String?

    @Option(name: .long, help: ArgumentHelp(Settings.spoolWait.optionHelp))
    var spoolWait: String?

    @Flag(name: .long, help: ArgumentHelp(Settings.durableClose.optionHelp))
    var durableClose = false

    @Flag(name: .long, help: ArgumentHelp(Settings.publishInterrupted.optionHelp))
    var publishInterrupted = false

    @Flag(name: .long, help: ArgumentHelp(Settings.followSymlinks.optionHelp))
    var followSymlinks = false

    @Flag(name: .long, help: ArgumentHelp(Settings.allowDelete.optionHelp))
    var allowDelete = false

    @Flag(name: .long, help: ArgumentHelp(Settings.list.optionHelp))
    var list = false

    @Option(name: .long, help: ArgumentHelp(Settings.listRefresh.optionHelp))
    var listRefresh: String?

    @Flag(name: .long, help: ArgumentHelp(Settings.offline.optionHelp))
    var offline = false
}

/// The settings in force for a mount.
struct MountSettings: Sendable {
    let directory: String
    /// nil: the standard place for this destination and mountpoint.
    let stateDirectory: String?
    let tokenFile: String?
    let authorityFile: String?
    let logLevel: String
    let engine: EngineSettings
    let reading = ReadSettings()
    let connectTimeout: Duration
    let stallTime: Duration
    let maximumFileSize: Int64?
    let types: ContentRules
    let classifier: NameClassifier
    let showStatusDirectory: Bool
    let offline: Bool
    let spoolLimit: SpoolLimit
    let durableClose: Bool
    let publishInterrupted: Bool
    let followSymlinks: Bool
    let allowDelete: Bool
    /// How old a listing of a directory may be; nil: nothing is listed.
    let listRefresh: Duration?
    let onConflict: ConflictRule
    let objectRules: S3ObjectRules

    init(common: CommonOptions, options: MountOptions, objects: ObjectOptions) async throws(CommandFailure) {
        let source = try await SettingsSource(file: common.config)
        func flag(_ setting: Setting<Bool>, _ option: Bool) throws(CommandFailure) -> Bool {
            try source.value(setting, option ? "true" : nil)
        }
        directory = try source.optional(Settings.directory, common.directory) ?? Directories.received
        stateDirectory = try source.optional(Settings.stateDirectory, options.stateDir)
        tokenFile = try source.optional(Settings.tokenFile, common.tokenFile)
        authorityFile = try source.optional(Settings.authorityFile, options.caFile)
        logLevel = try source.value(Settings.logLevel, common.logLevel)
        connectTimeout = try source.value(Settings.connectTimeout, options.connectTimeout)
        stallTime = try source.value(Settings.stallTime, options.stallTime)
        maximumFileSize = try source.value(Settings.maximumFileSize, options.maxFileSize)
        types = ContentRules(try source.value(Settings.types, options.allowType))
        showStatusDirectory = try flag(Settings.showStatusDirectory, options.showStatusDirectory)
        offline = try flag(Settings.offline, options.offline)
        spoolLimit = try source.value(Settings.spoolLimit, options.spoolLimit)
        durableClose = try flag(Settings.durableClose, options.durableClose)
        publishInterrupted = try flag(Settings.publishInterrupted, options.publishInterrupted)
        onConflict = try source.value(Settings.onConflict, objects.onConflict)
        objectRules = try objects.rules(source)
        followSymlinks = try flag(Settings.followSymlinks, options.followSymlinks)
        allowDelete = try flag(Settings.allowDelete, options.allowDelete)
        let refresh = try source.value(Settings.listRefresh, options.listRefresh)
        listRefresh = try flag(Settings.list, options.list) ? refresh : nil
        let classifier = NameClassifier(
            temporary: try source.value(Settings.temporaryNames, options.temporaryNames),
            litter: try source.value(Settings.litterNames, options.litterNames))
        self.classifier = classifier
        var engine = EngineSettings()
        engine.connections = try source.value(Settings.connections, options.connections)
        engine.parallelChunks = try source.value(Settings.parallelChunks, options.parallelChunks)
        engine.settlingTime = try source.value(Settings.settlingTime, options.settlingTime)
        engine.retry.giveUpAfter = try source.value(Settings.giveUpAfter, options.giveUpAfter)
        engine.keepFinished = try source.value(Settings.keepFinished, options.keepFinished)
        engine.keepFinishedCount = try source.value(Settings.keepFinishedCount, options.keepFinishedCount)
        engine.awakeFiles = try source.value(Settings.queueInMemory, options.queueInMemory)
        engine.spoolPatience = try source.value(Settings.spoolWait, options.spoolWait)
        engine.classify = { classifier.classify($0) }
        self.engine = engine
    }
}
