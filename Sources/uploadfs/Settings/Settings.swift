import ArgumentParser
import UploadCore

/// The table of settings of a mount and of a server: one row each. Options, environment variables and
/// the config file all go by these names.
enum Settings {
    static let directory = Setting<String>.text(
        "directory", "Where the upload server keeps what it receives. (default: $XDG_DATA_HOME/uploadfs/received)")
    static let stateDirectory = Setting<String>.text(
        "state-dir",
        "Where spool and journal are kept. (default: $XDG_STATE_HOME/uploadfs/ID, by destination and mountpoint)")
    static let tokenFile = Setting<String>.text(
        "token-file",
        "A file that holds the bearer token (a mount reads it again for each request). UPLOADFS_TOKEN does it too.")
    static let authorityFile = Setting<String>.text(
        "ca-file", "A PEM file of the certificate authorities to trust, instead of the system's.")
    static let logLevel = Setting<String>(
        "log-level", standard: "info", form: "trace, debug, info, notice, warning, error or critical",
        "How much is logged on standard error."
    ) { ["trace", "debug", "info", "notice", "warning", "error", "critical"].contains($0) ? $0 : nil }

    // How it uploads.

    static let connections = Setting<Int>.count(
        "connections", standard: 16, in: 1...256, "Requests to the destination at once, all files together.")
    static let parallelChunks = Setting<Int>.count(
        "parallel-chunks", standard: 3, in: 1...64, "Chunks of one file at once.")
    static let settlingTime = Setting<Duration>.duration(
        "settling-time", standard: "250ms",
        "How long a closed file is left alone before it is published: a reopen, rename or chmod in that time counts. "
            + "A third of it, once the program has ended that wrote it.")
    static let connectTimeout = Setting<Duration>.duration(
        "connect-timeout", standard: "5s", "How long a connection may take to come about.")
    static let stallTime = Setting<Duration>.duration(
        "stall-time", standard: "10s", "A request that moves no byte for so long has failed, and is tried again.")
    static let giveUpAfter = Setting<Duration>.duration(
        "give-up-after", standard: "7d", "A file that could not be uploaded for so long has failed.")
    static let maximumFileSize = Setting<Int64?>.bytes(
        "max-file-size", standard: "none", "The write that would make a file bigger fails with EFBIG.")

    static let types = Setting<[String]>.list(
        "allow-type",
        "Content types that are taken, such as image/*,video/mp4: others are refused (EPERM) by name when they are made, "
            + "and by content when they are closed. (default: all)")

    static let spoolLimit = Setting<SpoolLimit>(
        "spool-limit", standard: "auto", form: "a size such as 20GiB, \"none\" or \"auto\"",
        "How much the spool may hold; auto is 80% of what its filesystem has free, 20 GiB at the most."
    ) { text in
        switch text {
        case "auto": .automatic
        case "none": .bytes(.max)
        default: Quantity.bytes(text).flatMap { $0 >= SpoolLimit.least ? .bytes($0) : nil }
        }
    }
    static let spoolWait = Setting<Duration>.duration(
        "spool-wait", standard: "5m", "How long a write waits for room in a full spool before it fails with ENOSPC.")
    static let queueInMemory = Setting<Int>.count(
        "queue-in-memory", standard: 4096, in: 1...1_000_000,
        "Of the files that wait for their turn so many are in memory, the others in the journal alone.")
    static let keepFinished = Setting<Duration>.duration(
        "keep-finished", standard: "30d", "How long the details of published files are remembered.")
    static let keepFinishedCount = Setting<Int>.count(
        "keep-finished-count", standard: 100_000, in: 1...100_000_000, "Of how many they are.")
    static let durableClose = Setting<Bool>.flag(
        "durable-close",
        "A close(2) returns only when the file would survive a power loss, as if it were preceded by fsync(2).")
    static let followSymlinks = Setting<Bool>.flag(
        "follow-symlinks", "Upload what a symbolic link leads to, where that is a file of the mount.")
    static let list = Setting<Bool>.flag(
        "list", "Show what lies at the destination, whoever has put it there (a bucket of S3).")
    static let listRefresh = Setting<Duration>.duration(
        "list-refresh", standard: "60s",
        "With --list: a directory whose last listing is older is listed again when somebody looks into it.")
    static let publishInterrupted = Setting<Bool>.flag(
        "publish-interrupted", "Publish also what a program wrote that was killed before it had finished.")

    // How it looks.

    static let temporaryNames = Setting<[String]>.list(
        "temporary-names", standard: NameClassifier.defaultTemporary.joined(separator: ","),
        "Names whose files are not published before they are renamed.")
    static let litterNames = Setting<[String]>.list(
        "litter-names", standard: NameClassifier.defaultLitter.joined(separator: ","),
        "Names whose files never leave this machine.")
    static let showStatusDirectory = Setting<Bool>.flag(
        "show-status-directory", "List .uploadfs in the mountpoint. It can be opened either way.")
    static let allowDelete = Setting<Bool>.flag(
        "allow-delete", "A published file may be removed: its object is deleted. Without this that fails (EPERM).")
    static let offline = Setting<Bool>.flag(
        "offline", "Mount though the destination does not answer, also the first time.")

    // The server.

    static let listen = Setting<String>.text(
        "listen", standard: "127.0.0.1:8080", "The address and port to listen on; port 0 takes a free one.")
    static let serverFileSize = Setting<Int64?>.bytes(
        "max-file-size", standard: "100MB", "The biggest file the server takes, or \"none\".")
    static let allowedTypes = Setting<[String]>.list(
        "allow-type", "Content types the server takes, such as image/*,video/mp4. (default: all)")
    static let publicRead = Setting<Bool>.flag("public-read", "GET and HEAD of /files need no token.")
    static let publicURL = Setting<String>.text(
        "public-url", "What the URLs of received files begin with, when it is not http://ADDRESS:PORT.")
    static let sessionLifetime = Setting<Duration>.duration(
        "session-lifetime", standard: "7d", "Unfinished uploads that nobody goes on with for so long are deleted.")
    static let maximumSessions = Setting<Int>.count(
        "max-sessions", standard: 10_000, in: 1...1_000_000, "Unfinished uploads at once.")
}

/// Options that every command with settings has.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "A YAML file of settings. (default: \(SettingsSource.standardFile), if it is there)")
    var config: String?

    @Option(name: .long, help: ArgumentHelp(Settings.logLevel.optionHelp))
    var logLevel: String?

    @Option(name: .long, help: ArgumentHelp(Settings.tokenFile.optionHelp))
    var tokenFile: String?

    @Option(name: .long, help: ArgumentHelp(Settings.directory.optionHelp))
    var directory: String?
}
