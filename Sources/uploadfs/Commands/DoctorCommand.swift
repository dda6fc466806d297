import ArgumentParser
import UploadCore
import UploadTransfer

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Tell what is missing on this machine or at a destination, and what mends it.",
        discussion: """
            Mounts nothing. Of a bucket (s3://…) each request that a mount makes is tried once, below a key of its own
            that is removed again; multipart uploads that nobody has finished are listed.

            Ends with 0 when nothing failed (warnings may be told), with 1 when something of this machine did, with 69
            when the destination is not reached, with 77 when something is not permitted there, with 78 when the
            destination is none.
            """)

    @Argument(help: "A destination, as mount takes it (default: this machine alone is looked at).")
    var destination: String?

    @Option(name: .long, help: "Unfinished uploads of a bucket that are listed: those that are as old as this.")
    var olderThan = "1d"

    @Flag(name: .long, help: "As JSON, for programs.")
    var json = false

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: DoctorOptions
    @OptionGroup(title: "Objects in a bucket") var objects: ObjectOptions

    func run() async throws {
        guard let age = Quantity.duration(olderThan) else {
            throw CommandFailure(
                .usage, "--older-than is \"\(olderThan)\", but must be a duration such as 10s, 12h or 7d.")
        }
        let bucket = try destination.flatMap { (url) throws(CommandFailure) in try MountTarget.bucket(of: url) }
        let settings = try await DoctorSettings(common: common, options: options, objects: objects)
        Process.prepare()
        let facts = MachineFacts(state: settings.stateDirectory)
        var report = DoctorReport(parts: [.init(title: "This machine", checks: MachineChecks.checks(facts))])
        if let destination {
            let client = try settings.client()
            if let bucket {
                await look(into: bucket, destination, client, settings, age, &report)
            } else {
                report.parts.append(.init(title: destination, checks: await server(destination, client, settings)))
            }
            await client.shutdown()
        }
        Terminal.write(json ? report.json : report.text)
        if report.code != 0 { throw ExitCode(report.code) }
    }

    private func server(_ url: String, _ client: CurlClient, _ settings: DoctorSettings) async -> [DoctorCheck] {
        let credentials: Credentials
        do throws(CommandFailure) {
            credentials = try Credentials(file: settings.tokenFile)
        } catch {
            return [.fail("token", error.text, code: error.code)]
        }
        let destination = NativeDestination(baseURL: url, client: client, credentials: { credentials.token })
        var obstacle: DestinationError?
        do throws(DestinationError) { try await destination.probe() } catch { obstacle = error }
        return ServerChecks.checks(url, obstacle, destination.limits, hasToken: credentials.token != nil)
    }

    private func look(
        into bucket: S3Location, _ url: String, _ client: CurlClient, _ settings: DoctorSettings, _ age: Duration,
        _ report: inout DoctorReport
    ) async {
        do throws(CommandFailure) {
            // What it would log is told here.
            let keys = try await S3Keys(client: client, logger: Log.logger(level: "critical"))
            let findings = await S3Examination.run(
                bucket, client: client, credentials: keys, options: S3Options(rules: settings.rules), age: age)
            let checks = BucketChecks.checks(
                findings, of: bucket, credentials: AWSProfile().settings.origin, age: olderThan)
            report.parts.append(.init(title: url, checks: checks))
            report.unfinished = findings.unfinished?.map { upload in
                DoctorReport.Unfinished(
                    key: upload.key, upload: upload.upload, age: upload.age,
                    command: bucket.abortCommand(key: upload.key, upload: upload.upload))
            }
        } catch {
            report.parts.append(.init(title: url, checks: [.fail("credentials", error.text, code: error.code)]))
        }
    }
}

struct DoctorOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp(Settings.stateDirectory.optionHelp))
    var stateDir: String?

    @Option(name: .long, help: ArgumentHelp(Settings.authorityFile.optionHelp))
    var caFile: String?

    @Option(name: .long, help: ArgumentHelp(Settings.connectTimeout.optionHelp))
    var connectTimeout: String?

    @Option(name: .long, help: ArgumentHelp(Settings.stallTime.optionHelp))
    var stallTime: String?
}

/// The settings that count for a look: those that a mount would have.
struct DoctorSettings: Sendable {
    let stateDirectory: String
    let tokenFile: String?
    let rules: S3ObjectRules
    private let authorityFile: String?
    private let connectTimeout: Duration
    private let stallTime: Duration

    init(common: CommonOptions, options: DoctorOptions, objects: ObjectOptions) async throws(CommandFailure) {
        let source = try await SettingsSource(file: common.config)
        stateDirectory =
            try source.optional(Settings.stateDirectory, options.stateDir).map(Paths.absolute)
            ?? Directories.state + "/uploadfs"
        tokenFile = try source.optional(Settings.tokenFile, common.tokenFile)
        authorityFile = try source.optional(Settings.authorityFile, options.caFile)
        connectTimeout = try source.value(Settings.connectTimeout, options.connectTimeout)
        stallTime = try source.value(Settings.stallTime, options.stallTime)
        rules = try objects.rules(source)
    }

    func client() throws(CommandFailure) -> CurlClient {
        do throws(DestinationError) {
            return try CurlClient(
                options: CurlOptions(
                    connectTimeout: connectTimeout, stallTime: stallTime, certificateAuthorities: authorityFile))
        } catch {
            throw CommandFailure(.failure, FailureSentences.failure(for: error).reason)
        }
    }
}
