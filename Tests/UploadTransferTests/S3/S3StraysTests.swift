import Foundation
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

@Suite("Multipart uploads that a crash has left", .timeLimit(.minutes(1)))
struct S3StraysTests {
    private func upload(_ id: String, _ begun: Int?) -> S3Upload { S3Upload(key: "k", upload: id, begun: begun) }

    private func intention(_ number: Int, at seconds: Int, _ path: String = "k") throws -> BeginIntention {
        BeginIntention(number: number, path: try UploadPath(path), time: Timestamp(seconds: Int64(seconds)))
    }

    private func judge(
        _ uploads: [S3Upload], _ intentions: [BeginIntention], ahead: Int = 0, now: Int = 10_000
    ) -> S3Strays {
        S3Strays(uploads, intentions, ahead: ahead, now: now)
    }

    @Test("are ours when they were begun at the time of an intention, by the server's clock")
    func times() throws {
        let intention = try intention(1, at: 1000)
        for (begun, isOurs) in [(994, false), (995, true), (1060, true), (1061, false), (nil, false)] {
            let verdict = judge([upload("u", begun)], [intention])
            #expect(verdict.strays.isEmpty != isOurs && verdict.settled == [1] && !verdict.isDoubtful, "\(begun ?? -1)")
        }
        #expect(judge([upload("u", 1600)], [intention], ahead: 600).strays.count == 1)
        #expect(judge([upload("u", 1000)], [intention], ahead: 600).strays.isEmpty)
    }

    @Test("may still come as long as a request may take: such an intention stays")
    func late() throws {
        let intention = try intention(1, at: 1000)
        #expect(judge([], [intention], now: 1060).settled.isEmpty)
        #expect(judge([], [intention], now: 1061).settled == [1])
        #expect(judge([upload("u", 1000)], [intention], now: 1001).settled == [1])
    }

    @Test("are left alone where there are more of them than intentions, for each its own")
    func doubts() throws {
        let one = [try intention(1, at: 1000)]
        let both = judge([upload("u", 1000), upload("v", 1010)], one)
        #expect(both.isDoubtful && both.strays.isEmpty && both.settled.isEmpty)
        // Not those of another day.
        #expect(!judge([upload("u", 1000), upload("v", 5000)], one).isDoubtful)
        let two = try [intention(1, at: 1000), intention(2, at: 1055)]
        #expect(judge([upload("u", 1000), upload("v", 1052)], two).strays.map(\.upload) == ["u", "v"])
        #expect(judge([upload("u", 1100), upload("v", 1052)], two).strays.map(\.upload) == ["v", "u"])
        let far = try [intention(1, at: 1000), intention(2, at: 9000)]
        #expect(judge([upload("u", 1000), upload("v", 1010)], far).isDoubtful)
    }

    private func with(
        _ manner: BucketServer.Manner = BucketServer.Manner(), _ conflict: ConflictRule = .overwrite,
        _ body: (S3Destination, BucketServer) async throws -> Void
    ) async throws {
        try await BucketServer.with(
            manner, at: { "s3://b?endpoint=\($0)" }, S3Options(onConflict: conflict, origin: "me", host: "host"), body)
    }

    private var now: Int { Int(Date().timeIntervalSince1970) }

    @Test(
        "are listed page by page, whatever characters their keys have, and whatever the server makes of them",
        arguments: BucketServer.Manner.Encoding.allCases)
    func pages(encoding: BucketServer.Manner.Encoding) async throws {
        var manner = BucketServer.Manner()
        manner.pageSize = 2
        manner.encoding = encoding
        manner.tellsLittle = encoding == .claimed
        try await with(manner) { destination, server in
            let keys = ["p/a", "p/a", "p/a", "p/a b+c%41&<>", "p/ä", "q"]
            for key in keys { server.begin(key) }
            let list = try await destination.endpoint.uploads(prefix: "p/")
            #expect(list.uploads.map(\.key).sorted() == keys.dropLast().sorted() && !list.isCutShort)
            #expect(Set(list.uploads.map(\.upload)) == ["u1", "u2", "u3", "u4", "u5"])
            // The machine may be busy.
            #expect(abs(list.ahead) <= 60)
            #expect(list.uploads.allSatisfy { $0.begun.map { abs($0 - now) <= 60 } ?? manner.tellsLittle })
            #expect(server.seen.count == 3)
            #expect(try await destination.endpoint.uploads(prefix: "", limit: 3).isCutShort)
            // What is asked for tells, too.
            server.begin("p/%41+")
            let one = try await destination.endpoint.uploads(prefix: "p/%41+").uploads
            #expect(one.map(\.key) == ["p/%41+"])
        }
    }

    @Test("are found by the journal's intentions, and no others: not those in use, known, of another time or key")
    func found() async throws {
        var manner = BucketServer.Manner()
        manner.ahead = 300
        try await with(manner) { destination, server in
            let stray = server.begin("d/film")
            server.begin("d/film", after: -3600)
            server.begin("d/film", parts: 1)
            server.begin("d/film2")
            let known = server.begin("d/film")
            let rows = try [intention(1, at: now, "d/film"), intention(2, at: now - 100, "gone")]
            let token = SessionToken("d%2Ffilm?\(known)?mark")
            let left = try #require(try await destination.leftBehind(by: rows) { [token] })
            #expect(left.settled == [1, 2] && left.doubtful.isEmpty)
            #expect(left.strays.count == 1)
            for stray in left.strays {
                try await destination.resume(stray, schedule: destination.limits.schedule).abort()
            }
            #expect(server.unfinished == Set(["u1", "u2", "u3", "u4", "u5"]).subtracting([stray]))
            // Where nobody can tell which ones are known, nothing is.
            server.begin("d/film")
            let unknown = try #require(try await destination.leftBehind(by: rows) { nil })
            #expect(unknown == LeftBehind())
        }
    }

    @Test(
        "are not ours alone where another mount has begun one at the same time: the log tells, and nobody's is aborted")
    func shared() async throws {
        try await with { destination, server in
            server.begin("a")
            server.begin("a")
            let rows = [try intention(1, at: now, "a")]
            var left = try #require(try await destination.leftBehind(by: rows) { [] })
            #expect(left.strays.isEmpty && left.settled.isEmpty && left.doubtful == ["s3://b/a"])
            // Its first part has arrived.
            server.withState { $0.uploads["u2"]?.parts[1] = BucketServer.Object(body: [1], fields: [:], tag: "p") }
            left = try #require(try await destination.leftBehind(by: rows) { [] })
            #expect(left.strays.count == 1 && left.settled == [1] && left.doubtful.isEmpty)
        }
    }

    @Test("of a file that was to go beside another's are found there")
    func renamed() async throws {
        try await with(BucketServer.Manner(), .rename) { destination, server in
            server.begin("d/a (conflict host 20260101T000000Z).txt")
            let left = try await destination.leftBehind(by: [intention(1, at: now, "d/a.txt")]) { [] }
            #expect(left?.strays.count == 1)
        }
    }

    @Test("can't be told where nobody may list them")
    func denied() async throws {
        var manner = BucketServer.Manner()
        manner.denied = ["ListMultipartUploads"]
        try await with(manner) { destination, server in
            let left = try await destination.leftBehind(by: [intention(1, at: now, "a")]) { [] }
            #expect(left == nil && server.seen.count == 1)
        }
    }
}
