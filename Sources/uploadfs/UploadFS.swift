import ArgumentParser
import Glibc
import UploadCore

/// The command line. This target alone knows every room, and wires them to each other.
///
/// - `Commands/` one file a command.
/// - `Settings/` the table of settings, and how options, environment, file and defaults make a value.
/// - `Wiring/` what a mount or a server is made of, and in which order it starts and ends.
/// - `Doctor/` what is wrong, and what mends it.
/// - `Client/` what commands need to talk to a mount that is there.
@main
struct UploadFS: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uploadfs",
        abstract: "A folder that uploads what is copied into it, while it is still being copied.",
        discussion: """
            Mount it, drag or cp files into it, and read .uploadfs/status below the mountpoint to see
            how far they are. What close(2) accepted is never lost: it is uploaded, also after a crash.

            EXIT CODES:
              0 success · 1 failure · 2 usage · 69 destination unreachable · 77 permission
              78 configuration · 124 timed out (wait)
            """,
        version: UploadCore.version,
        subcommands: [
            MountCommand.self, UnmountCommand.self, StatusCommand.self, WaitCommand.self, CancelCommand.self,
            RetryCommand.self, DiscardCommand.self, ReleaseCommand.self, PauseCommand.self, ResumeCommand.self,
            ServeCommand.self, DoctorCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            Terminal.error("uploadfs: \(failure.text)")
            Glibc.exit(failure.code.rawValue)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if code.isSuccess {
                Terminal.write(text)
                Glibc.exit(0)
            }
            if !text.isEmpty { Terminal.error(text) }
            Glibc.exit(code == .validationFailure ? CommandFailure.Code.usage.rawValue : code.rawValue)
        }
    }
}
