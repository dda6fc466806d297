import ArgumentParser
import Glibc

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what is uploaded, what is on its way, and what needs you.",
        discussion: "The same as reading MOUNTPOINT/.uploadfs/status (or status.json).")

    @Argument(help: "Where uploadfs is mounted.")
    var mountpoint: String

    @Flag(name: .long, help: "Show it again and again, until Ctrl-C.")
    var watch = false

    @Flag(name: .long, help: "As JSON, for programs.")
    var json = false

    func run() async throws {
        let path = try RunningMount.mountpoint(mountpoint) + "/.uploadfs/" + (json ? "status.json" : "status")
        Terminal.write(try SmallFile.read(path))
        while watch {
            // Showing it twice a second is what was asked for.
            try await Task.sleep(for: .milliseconds(500))
            let text = try SmallFile.read(path)
            // ECMA-48: to the top left corner, and erase what stands below.
            Terminal.write(Terminal.isInteractive ? "\u{1B}[H\u{1B}[J" + text : text)
        }
    }
}
