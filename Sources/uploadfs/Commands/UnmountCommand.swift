import ArgumentParser
import FoundationEssentials
import Glibc

struct UnmountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmount", abstract: "Unmount; what is not uploaded yet goes on with the next mount.")

    @Argument(help: "Where uploadfs is mounted.")
    var mountpoint: String

    @Flag(name: .long, help: "First wait until everything is uploaded.")
    var wait = false

    func run() async throws {
        let path = try RunningMount.mountpoint(mountpoint)
        if wait {
            let waiting = Waiting(mountpoint: path)
            let failures = try await WaitCommand.detached { try WaitCommand.wait(waiting, []) }
            guard failures == 0 else {
                throw CommandFailure(
                    .failure,
                    "Not unmounted: \(failures) of the files are not uploaded. Unmount without --wait to leave them for the next mount."
                )
            }
        }
        let process = Self.process(of: path)
        try Self.detach(path)
        if let process { try Self.awaitEnd(of: process, path) }
    }

    private struct Status: Decodable {
        let pid: Int32
    }

    /// Who serves the mount; nil when it has died.
    private static func process(of path: String) -> Int32? {
        guard let text = try? SmallFile.read(path + "/.uploadfs/status.json") else { return nil }
        return try? JSONDecoder().decode(Status.self, from: Data(text.utf8)).pid
    }

    private static func detach(_ path: String) throws(CommandFailure) {
        if geteuid() == 0 {
            guard umount2(path, 0) != 0 else { return }
            throw failure(path, errno)
        }
        let code = ChildProcess.run("fusermount3", ["-u", path])
        guard code == 0 else {
            throw CommandFailure(
                .failure,
                "\(path) was not unmounted: fusermount3 ended with \(code). A program may still use it (fuser -m \(path) tells)."
            )
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> CommandFailure {
        switch code {
        case EBUSY:
            CommandFailure(
                .failure,
                "\(path) is in use: a program has a file open or its working directory there (fuser -vm \(path) tells which)."
            )
        case EPERM: CommandFailure(.permission, "\(path) may only be unmounted by its owner or root.")
        default: CommandFailure(.failure, "\(path) can't be unmounted: \(String(cString: strerror(code))).")
        }
    }

    /// Returns once the process has ended, so that the next mount finds the state directory free.
    private static func awaitEnd(of process: Int32, _ path: String) throws(CommandFailure) {
        guard !EndingProcess.wait(for: process, within: 10_000) else { return }
        throw CommandFailure(
            .failure, "\(path) is unmounted, but its process (pid \(process)) has not ended within 10 s.")
    }
}
