import CLinux
import Dispatch
import Glibc
import Logging
import Testing
import UploadCore

@testable import uploadfs

@Suite("The log", .timeLimit(.minutes(1)))
struct LogWriterTests {
    private static func pipe() throws -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(clinux_pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    /// Everything up to the end.
    private static func read(_ descriptor: Int32, until enough: (String) -> Bool) -> String {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !enough(text) {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return text
    }

    @Test(
        "Who logs into a pipe that nobody empties never waits; what did not fit is counted, and the rest comes later",
        arguments: [0, O_NONBLOCK])
    func blocked(flags: Int32) throws {
        let (reader, writer) = try Self.pipe()
        defer { for end in [reader, writer] { close(end) } }
        try #require(fcntl(writer, F_SETFL, flags) == 0)
        let log = LogWriter(descriptor: writer)
        let line = String(repeating: "x", count: 999) + "\n"
        // A pipe holds 64 KiB, the writer 1 MiB.
        for _ in 0..<3000 { log.write(line) }
        log.flush(within: .milliseconds(10))
        let text = Self.read(reader) { $0.contains("dropped") }
        let lines = text.split(separator: "\n")
        let kept = lines.count { $0.hasPrefix("xxx") }
        #expect(kept > 1000 && kept < 1300)
        #expect(lines.last == "uploadfs: \(3000 - kept) log lines were dropped: nobody read what was written before.")
        log.write("again\n")
        #expect(Self.read(reader) { $0.contains("again") } == "again\n")
    }

    @Test("Lines come whole and in order, however many are written at once")
    func order() throws {
        let (reader, writer) = try Self.pipe()
        defer { close(reader) }
        let log = LogWriter(descriptor: writer)
        let lines = (0..<500).map { "\($0) " + String(repeating: "y", count: $0 * 7 % 1000) }
        // One that is longer than what is written at once.
        let long = String(repeating: "z", count: 10_000)
        for line in lines { log.write(line + "\n") }
        log.write(long + "\n")
        let text = Self.read(reader) { $0.hasSuffix("z\n") }
        #expect(text.split(separator: "\n").map(String.init) == lines + [long])
        log.flush(within: .seconds(1))
        close(writer)
    }

    @Test("There is a line for what becomes of a file, and none for what it passes through")
    func phases() throws {
        let (reader, writer) = try Self.pipe()
        defer { close(reader) }
        let log = LogWriter(descriptor: writer)
        var logger = Logger(label: "test") { LineLogHandler(label: $0, writer: log) }
        for level in [Logger.Level.info, .debug] {
            logger.logLevel = level
            let engine = Log.engine(logger)
            for phase in Phase.allCases {
                engine.phase(
                    FileStatus(
                        file: FileID(2), version: VersionID(3), path: try UploadPath("a"), phase: phase,
                        contentType: "", size: 1, isClosed: true, chunkSize: 1))
            }
        }
        log.write("end\n")
        let lines = Self.read(reader) { $0.hasSuffix("end\n") }.split(separator: "\n").dropLast()
        let passing: Set = ["receiving", "queued", "uploading", "finalizing"]
        let all = Phase.allCases.map(\.rawValue)
        #expect(lines.map { String($0.split(separator: " ").last ?? "") } == all.filter { !passing.contains($0) } + all)
        log.flush(within: .seconds(1))
        close(writer)
    }

    @Test("A line has the time, the level, the facts in order, and the words")
    func line() throws {
        let (reader, writer) = try Self.pipe()
        defer { for end in [reader, writer] { close(end) } }
        var logger = Logger(label: "test") { LineLogHandler(label: $0, writer: LogWriter(descriptor: writer)) }
        logger[metadataKey: "b"] = "2"
        logger.debug("unheard")
        logger.warning("words", metadata: ["a": "1", "c": "3"])
        let text = Self.read(reader) { $0.hasSuffix("\n") }
        let pattern = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} warning test: a=1 b=2 c=3 \[\w+\] words\n/
        #expect(try pattern.wholeMatch(in: text) != nil, "\(text)")
    }
}
