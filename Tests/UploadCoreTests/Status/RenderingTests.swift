import FoundationEssentials
import Testing
import UploadCore

@Suite struct FormatTests {
    @Test(
        arguments: zip(
            [0, 999, 1000, 1500, 9949, 9951, 999_499, 999_500, 42_000_000, 1_073_741_824, -1500],
            ["0 B", "999 B", "1.0 kB", "1.5 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "42 MB", "1.1 GB", "-1.5 kB"]))
    func bytes(count: Int64, text: String) {
        #expect(ByteFormat.text(count) == text)
    }

    @Test(
        arguments: zip(
            [0, 1, 59, 60, 192, 3600, 90_061, 604_800], ["0s", "1s", "59s", "1m", "3m 12s", "1h", "1d 1h", "7d"]))
    func durations(seconds: Int64, text: String) {
        #expect(DurationFormat.text(.seconds(seconds)) == text)
    }

    @Test(
        arguments: zip(
            [0, 951_782_400, 1_709_210_096, 4_102_444_799, -1],
            [
                "1970-01-01T00:00:00.000Z", "2000-02-29T00:00:00.000Z", "2024-02-29T12:34:56.000Z",
                "2099-12-31T23:59:59.000Z", "1969-12-31T23:59:59.000Z",
            ]))
    func times(seconds: Int64, text: String) {
        #expect(TimeFormat.text(Timestamp(seconds: seconds)) == text)
    }

    @Test(arguments: zip([0.0, 41.99, 99.99, 100], ["0.0%", "41.9%", "99.9%", "100.0%"]))
    func percent(percent: Double, text: String) {
        #expect(Percent.text(percent, digits: 1) == text)
    }

    @Test("Names with newlines, escapes and tabs stay on their line")
    func names() throws {
        #expect(NameFormat.text(try UploadPath("a\nb/c\td\u{1B}[31m\\")) == "a\\nb/c\\td\\u{1b}[31m\\\\")
    }
}

@Suite struct RateMeterTests {
    private func time(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(seconds * 1e9)) }

    @Test("A steady stream has its rate")
    func steady() {
        var meter = RateMeter()
        for step in 0...100 { meter.record(Int64(step) * 500, at: time(Double(step) / 10)) }
        #expect(abs(meter.rate(50_000, at: time(10)) - 5000) < 200)
    }

    @Test("What stands still comes to 0, and what never moved has none")
    func standstill() {
        var meter = RateMeter()
        #expect(meter.rate(0, at: time(1)) == 0)
        meter.record(0, at: time(0))
        meter.record(1000, at: time(1))
        #expect(meter.rate(1000, at: time(2)) == 500)
        #expect(meter.rate(1000, at: time(60)) == 0)
    }

    @Test("It moves with the first bytes, not with the first full window")
    func beginning() {
        var meter = RateMeter()
        meter.record(0, at: time(0))
        #expect(meter.rate(100, at: time(0.1)) == 1000)
    }
}

@Suite struct RenderingTests {
    private static func file(
        _ path: String, _ phase: Phase, size: Int64 = 30_000_000, acknowledged: Int64 = 12_600_000,
        failure: Failure? = nil
    ) throws -> FileStatus {
        FileStatus(
            file: FileID(2), version: VersionID(1), path: try UploadPath(path), phase: phase,
            phases: [.init(phase: .receiving, entered: Timestamp(seconds: 90))], contentType: "text/plain",
            size: size, isClosed: true, acknowledged: acknowledged, chunksStored: 12, chunksTotal: 29,
            chunkSize: 1 << 20, rate: 5_000_000, retries: 2,
            nextAttempt: phase == .waiting ? Timestamp(seconds: 112) : nil, failure: failure)
    }

    private static func overview(_ files: [FileStatus], stopped: Bool = false) -> StatusOverview {
        var totals = StatusOverview.Totals()
        totals.filesDone = 3
        totals.bytesDone = 4_200_000
        totals.requests = ["chunk": 7]
        for file in files { totals.filesByPhase[file.phase, default: 0] += 1 }
        return StatusOverview(
            taken: Timestamp(seconds: 100), started: Timestamp(seconds: 40), process: 77,
            destination: "http://127.0.0.1:1", totals: totals, files: files,
            stoppage: stopped ? .init(reason: "Nobody listens.", until: Timestamp(seconds: 104)) : nil)
    }

    @Test("The progress line has percent, bytes, rate, time to go, phase, retries and the last error")
    func progress() throws {
        let line = ProgressLine.render(try Self.file("a", .uploading))
        #expect(line == "42.0% 12600000/30000000 B 5.0 MB/s ETA 3s uploading retries=2 error=none\n")
    }

    @Test("What is no upload says so")
    func actions() throws {
        var file = try Self.file("a", .finalizing)
        #expect(!StatusJSON.render(Self.overview([file])).contains("action"))
        for (action, word) in [(FileStatus.Action.move, "move"), (.delete, "delete")] {
            file.action = action
            #expect(StatusTable.render(Self.overview([file])).contains("a (\(word))\n"))
            #expect(StatusJSON.render(Self.overview([file])).contains("\"action\" : \"\(word)\""))
        }
    }

    @Test("The table has a line with a bar for each file, and the reason and remedy below one that stands")
    func table() throws {
        let failure = Failure(code: "busy", reason: "It can't now.", remedy: "Nothing.")
        let text = StatusTable.render(
            Self.overview(
                [try Self.file("a\nb", .uploading), try Self.file("c", .waiting, failure: failure)], stopped: true))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0].contains("http://127.0.0.1:1") && lines[0].contains("1m"))
        #expect(
            lines[1].contains("done 3 (4.2 MB)") && lines[1].contains("uploading 1") && lines[1].contains("waiting 1"))
        #expect(lines[2] == "STOPPED: Nobody listens. Asked again in 4s.")
        #expect(lines[5].contains("[########------------]") && lines[5].contains("42%") && lines[5].hasSuffix("a\\nb"))
        #expect(lines[7].contains("It can't now. Nothing. Next attempt in 12s."))
    }

    @Test("An empty queue says so")
    func emptyTable() {
        #expect(StatusTable.render(Self.overview([])).contains("all is uploaded"))
    }

    @Test("status.json is JSON with a schema, the totals and each file")
    func json() throws {
        let text = StatusJSON.render(Self.overview([try Self.file("a\n\"b", .uploading)]))
        let object = try #require(try JSONSerializationStandIn.object(text))
        #expect(object.schema == 1)
        #expect(object.pid == 77)
        #expect(object.totals.filesDone == 3)
        #expect(object.files.map(\.path) == ["a\n\"b"])
        #expect(object.files.map(\.percent) == [42])
    }

    @Test("detail is one object: the file's fields and the schema")
    func detail() throws {
        struct Detail: Decodable {
            let schema: Int
            let path: String
            let phases: [Entry]
            let chunks: Chunks
            let readError: Problem?
            struct Problem: Decodable { let code: String, reason: String, remedy: String }
            struct Entry: Decodable { let phase: String }
            struct Chunks: Decodable { let stored: Int, total: Int, size: Int }
        }
        var file = try Self.file("x", .uploading)
        let text = DetailJSON.render(file, now: Timestamp(seconds: 100))
        let detail = try JSONDecoder().decode(Detail.self, from: Data(text.utf8))
        #expect(detail.readError == nil)
        file.readFailure = FailureSentences.reading(.objectGone)
        let failed = DetailJSON.render(file, now: Timestamp(seconds: 100))
        #expect(try JSONDecoder().decode(Detail.self, from: Data(failed.utf8)).readError?.code == "object-gone")
        #expect(detail.schema == 1)
        #expect(detail.path == "x")
        #expect(detail.phases.map(\.phase) == ["receiving"])
        #expect(detail.chunks.stored == 12 && detail.chunks.total == 29 && detail.chunks.size == 1 << 20)
    }

    @Test("Metrics: every sample has a HELP and a TYPE before it, and counters end in _total")
    func metrics() throws {
        var typed: [String: Substring] = [:]
        for line in Metrics.render(Self.overview([try Self.file("a", .failed)])).split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE") {
                typed[String(words[2])] = words[3]
            } else if !line.hasPrefix("#") {
                let name = String(words[0].prefix { $0 != "{" })
                let type = try #require(typed[name], "\(name) has no TYPE")
                #expect((type == "counter") == name.hasSuffix("_total"))
                #expect(Double(words[words.count - 1]) != nil)
            }
        }
        let text = Metrics.render(Self.overview([try Self.file("a", .failed)], stopped: true))
        #expect(text.contains("uploadfs_files{phase=\"failed\"} 1\n"))
        #expect(text.contains("uploadfs_requests_total{operation=\"chunk\"} 7\n"))
        #expect(text.contains("uploadfs_requests_total{operation=\"read\"} 0\n"))
        #expect(text.contains("uploadfs_stopped 1\n"))
    }
}

private enum JSONSerializationStandIn {
    struct Document: Decodable {
        let schema: Int
        let pid: Int
        let totals: Totals
        let files: [File]
        struct Totals: Decodable { let filesDone: Int }
        struct File: Decodable {
            let path: String
            let percent: Double
        }
    }

    static func object(_ text: String) throws -> Document? {
        try JSONDecoder().decode(Document.self, from: Data(text.utf8))
    }
}
