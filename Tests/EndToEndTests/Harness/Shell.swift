import Foundation
import TestSupport
import Testing

/// Commands as a person types them.
enum Shell {
    /// Runs a line in bash.
    /// - Returns: what it wrote, both output and error, and its exit code.
    static func run(_ line: String, within limit: TimeInterval = 120) throws -> (code: Int32, output: String) {
        let program = try Program("/bin/bash", ["-c", line])
        defer { program.end(within: 1) }
        let code = try #require(
            program.waitForEnd(within: limit), "still running after \(limit) s: \(line)\n\(program.output)")
        return (code, program.finalOutput())
    }

    /// Runs a line that must succeed.
    @discardableResult
    static func must(_ line: String, within limit: TimeInterval = 120) throws -> String {
        let (code, output) = try run(line, within: limit)
        try #require(code == 0, "\(line) ended with \(code):\n\(output)")
        return output
    }

    /// In single quotes, for use in a line.
    static func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }
}
