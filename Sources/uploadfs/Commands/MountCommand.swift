import ArgumentParser
import UploadTransfer

struct MountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount", abstract: "Mount a folder that uploads what is written into it.",
        usage: "uploadfs mount [DESTINATION] MOUNTPOINT [options]",
        discussion: """
            Without DESTINATION the upload server runs inside the mount, on a loopback port, and stores
            below --directory. With http://HOST:PORT or https://… it is an "uploadfs serve" elsewhere, with
            s3://BUCKET/PREFIX?endpoint=URL&region=NAME a bucket of S3 or of a server that speaks it (keys from where
            AWS's own tools have them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile AWS_PROFILE, a role).

            Stays in the foreground until Ctrl-C, SIGTERM or "uploadfs unmount"; with --background it
            returns once the mount answers. What is not uploaded by then goes on with the next mount.
            """)

    @Argument(help: ArgumentHelp("[DESTINATION] MOUNTPOINT", valueName: "places"))
    var places: [String]

    @Flag(name: .long, help: "Return once the mount answers; log to mount.log in the state directory.")
    var background = false

    /// Where the process that --background started tells that it is mounted.
    @Option(name: .long, help: .hidden)
    var readyDescriptor: Int32?

    @OptionGroup var common: CommonOptions
    @OptionGroup var options: MountOptions
    @OptionGroup(title: "Objects in a bucket") var objects: ObjectOptions

    func validate() throws {
        guard (1...2).contains(places.count) else {
            throw ValidationError("Name a MOUNTPOINT, or a DESTINATION and a MOUNTPOINT.")
        }
    }

    func run() async throws {
        let target = try MountTarget(places)
        let settings = try await MountSettings(common: common, options: options, objects: objects)
        if background {
            try Background.start(target: target, settings: settings)
        } else {
            try await MountProcess(
                target: target, settings: settings, ready: readyDescriptor.map(Background.Signal.init)
            ).run()
        }
    }
}

/// What is mounted where.
struct MountTarget: Sendable {
    /// nil: the embedded server.
    let destination: String?
    /// Where that is s3://….
    let bucket: S3Location?
    /// Absolute.
    let mountpoint: String

    init(_ places: [String]) throws(CommandFailure) {
        destination = places.count == 2 ? places[0] : nil
        mountpoint = Paths.absolute(places[places.count - 1])
        bucket = try destination.flatMap { (url) throws(CommandFailure) in try Self.bucket(of: url) }
    }

    /// - Returns: nil for a server of the native protocol.
    /// - Throws: for what is no destination.
    static func bucket(of destination: String) throws(CommandFailure) -> S3Location? {
        guard let scheme = destination.split(separator: ":", maxSplits: 1).first, destination.contains("://") else {
            throw CommandFailure(
                .usage, "\"\(destination)\" is no destination: it must be a URL such as https://uploads.example.org.")
        }
        if scheme == "s3" {
            do throws(S3Location.Problem) {
                let profile = AWSProfile()
                return try S3Location(destination, region: profile.region, endpoint: profile.endpoint)
            } catch {
                throw CommandFailure(.usage, error.text)
            }
        }
        guard scheme == "http" || scheme == "https" else {
            throw CommandFailure(
                .usage,
                "This version can't upload to \(scheme)://. It can to http:// and https:// (an \"uploadfs serve\") and "
                    + "to s3://BUCKET.")
        }
        guard !destination.dropFirst(scheme.count + 3).prefix(while: { $0 != "/" }).contains("@") else {
            throw CommandFailure(
                .usage,
                "Credentials do not belong in the URL, where everybody sees them: set UPLOADFS_TOKEN or --token-file.")
        }
        return nil
    }
}
