package import Foundation

/// Runs another program and waits for it.
package struct Command: Sendable {
    package let status: Int32
    package let output: String

    /// - Parameter tool: looked up in PATH. Its stderr is the test's.
    package static func run(_ tool: String, _ arguments: [String]) throws -> Command {
        let (process, pipe) = try start(tool, arguments)
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Command(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }

    /// Starts it and returns once it has written its first line: by then it is ready.
    package static func start(
        _ tool: String, _ arguments: [String], waitingForLine: Bool
    ) throws -> (process: Process, line: String) {
        let (process, pipe) = try start(tool, arguments)
        var line: [UInt8] = []
        while waitingForLine, let byte = try pipe.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 {
            line.append(byte)
        }
        return (process, String(decoding: line, as: UTF8.self))
    }

    private static func start(_ tool: String, _ arguments: [String]) throws -> (Process, Pipe) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        // A child has the signal mask of the thread that starts it, and a thread of Swift's pool blocks
        // every signal: without this, SIGTERM would never reach it.
        process.arguments = ["--default-signal", tool] + arguments
        process.standardOutput = pipe
        try process.run()
        return (process, pipe)
    }
}
