import ArgumentParser
import Glibc

/// What the commands share that write into `.uploadfs/control`.
enum Control {
    /// - Parameter paths: below the mountpoint, as users name them.
    static func send(_ word: String, _ mountpoint: String, _ paths: [String]) throws(CommandFailure) {
        let place = try RunningMount.mountpoint(mountpoint)
        let waiting = Waiting(mountpoint: place)
        let lines = paths.isEmpty ? [word] : paths.map { "\(word) \(waiting.relative($0))" }
        for line in lines { try write(line, to: place + "/.uploadfs/control") }
    }

    private static func write(_ line: String, to path: String) throws(CommandFailure) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandFailure(
                errno == EACCES ? .permission : .failure, "\(path): \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        let bytes = Array((line + "\n").utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw CommandFailure(.failure, "\"\(line)\" was not carried out: \(reason(errno))")
        }
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case ENOENT: "there is no such file in the mount."
        case EINVAL: "it does not fit what the file is doing (.uploadfs/status tells). The mount's log has the reason."
        case EBUSY: "the file is being published at this moment."
        case EPERM: "the file is published, and no earlier content is kept here. Write it again, or release it."
        default: "\(String(cString: strerror(code)))."
        }
    }
}

/// A decision about files.
struct FileArguments: ParsableArguments {
    @Argument(help: "Where uploadfs is mounted.")
    var mountpoint: String

    @Argument(help: "Files, below the mountpoint.")
    var paths: [String] = []

    func validate() throws {
        guard !paths.isEmpty else { throw ValidationError("Name a file, below the mountpoint.") }
    }
}

/// A command that is a word in the control file, a line for each file.
protocol DecisionCommand: ParsableCommand {
    static var word: String { get }
    var files: FileArguments { get }
}

extension DecisionCommand {
    func run() throws {
        try Control.send(Self.word, files.mountpoint, files.paths)
    }
}

struct CancelCommand: DecisionCommand {
    static let word = "cancel"
    static let configuration = CommandConfiguration(
        commandName: word, abstract: "Give up uploads; what is not published yet leaves the mount.")
    @OptionGroup var files: FileArguments
}

struct DiscardCommand: DecisionCommand {
    static let word = "discard"
    static let configuration = CommandConfiguration(
        commandName: word, abstract: "Give up what failed or was interrupted; an earlier content comes back.")
    @OptionGroup var files: FileArguments
}

struct ReleaseCommand: DecisionCommand {
    static let word = "release"
    static let configuration = CommandConfiguration(
        commandName: word, abstract: "Publish what was interrupted as it is.")
    @OptionGroup var files: FileArguments
}

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Try at once what failed or waits (default: all of it).")

    @Argument(help: "Where uploadfs is mounted.")
    var mountpoint: String

    @Argument(help: "Files, below the mountpoint.")
    var paths: [String] = []

    func run() throws { try Control.send("retry", mountpoint, paths.isEmpty ? ["all"] : paths) }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Send nothing more until resume; files are taken in as before.")

    @Argument(help: "Where uploadfs is mounted.")
    var mountpoint: String

    func run() throws { try Control.send("pause", mountpoint, []) }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Go on after pause.")

    @Argument(help: "Where uploadfs is mounted.")
    var mountpoint: String

    func run() throws { try Control.send("resume", mountpoint, []) }
}
