import Testing
import UploadCore

@Suite struct ControlCommandTests {
    @Test("A line is a command and, for some, a path with all its spaces")
    func lines() throws {
        let rows: [(String, ControlCommand?)] = [
            ("", nil), ("pause", .pause), ("resume", .resume), ("retry all", .retryAll),
            ("retry all ", .retry(try UploadPath("all "))),
            ("release a/b c", .release(try UploadPath("a/b c"))),
            ("discard  a", .discard(try UploadPath("a"))), ("cancel a", .cancel(try UploadPath("a"))),
        ]
        for (line, command) in rows { #expect(try ControlCommand.parse(line) == command, "\(line)") }
    }

    @Test(
        "Anything else is refused with a sentence",
        arguments: [
            ("paus", ControlCommand.Problem.unknown("paus")), ("pause now", .nothingExpected("pause")),
            ("retry", .pathMissing("retry")), ("release /a", .badPath("/a")), ("discard a/../b", .badPath("a/../b")),
            (" pause", .unknown("")),
        ])
    func refused(_ line: String, _ problem: ControlCommand.Problem) {
        #expect(throws: problem) { try ControlCommand.parse(line) }
        #expect(!problem.text.isEmpty)
    }
}
