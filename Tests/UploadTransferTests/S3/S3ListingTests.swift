import HTTPTypes
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// What a bucket tells of what lies there.
@Suite("Listing a bucket", .timeLimit(.minutes(1)))
struct S3ListingTests {
    private func with(
        _ manner: BucketServer.Manner = BucketServer.Manner(),
        url: (String) -> String = { "s3://b/pre?endpoint=\($0)" },
        _ body: (S3Destination, BucketServer) async throws -> Void
    ) async throws {
        try await BucketServer.with(manner, at: url, S3Options(), body)
    }

    /// All pages: the names, directories with a "/" behind them; and what was left out.
    private func whole(
        _ destination: S3Destination, _ directory: String = ""
    ) async throws -> (names: [String], leftOut: [String], pages: Int) {
        let path = directory.isEmpty ? UploadPath([]) : try UploadPath(directory)
        var (names, leftOut, pages) = ([String](), [String](), 0)
        var mark: ListingMark?
        repeat {
            let page = try await destination.list(path, after: mark)
            names += page.entries.map { $0.name.text + ($0.kind == .directory ? "/" : "") }
            leftOut += page.leftOut
            pages += 1
            mark = page.next
        } while mark != nil
        return (names, leftOut, pages)
    }

    @Test("Size, time and ETag of an object are told, and what lies below a name makes it a directory")
    func told() async throws {
        try await with { destination, server in
            #expect(destination.limits.canList)
            server.put("pre/a", "four")
            server.put("pre/d/x", "x")
            server.put("pre/d/e/y", "y")
            server.put("other", "not in the prefix")
            let page = try await destination.list(UploadPath([]), after: nil)
            let object = ListedObject(
                size: 4, modified: Timestamp(seconds: 1_255_369_830, nanoseconds: 250_000_000), tag: "other")
            #expect(
                page
                    == ListingPage(entries: [
                        ListedEntry(name: try FileName("a"), kind: .file(object)),
                        ListedEntry(name: try FileName("d"), kind: .directory),
                    ]))
            #expect(try await whole(destination, "d").names == ["x", "e/"].sorted())
            #expect(try await whole(destination, "d/e").names == ["y"])
            #expect(try await whole(destination, "nothing").names == [])
        }
    }

    @Test("Page by page, each name once", arguments: [1, 7, 1000])
    func paged(size: Int) async throws {
        try await with(BucketServer.Manner(page: size)) { destination, server in
            for number in 100..<130 { server.put("pre/f\(number)", "") }
            for number in 100..<105 { server.put("pre/d\(number)/x", "") }
            let (names, leftOut, pages) = try await whole(destination)
            #expect(Set(names).count == 35 && names.count == 35)
            #expect(leftOut.isEmpty)
            #expect(pages == (35 + size - 1) / size)
        }
    }

    @Test("Odd names come as they are, also what XML can't hold", arguments: [true, false])
    func odd(plusIsSpace: Bool) async throws {
        let names = ["ä +&?#%'~.txt", "a+b", "%2B", "<&>\"", "cafe\u{301}", "\u{301}begins", "\u{1f600}"]
        try await with(BucketServer.Manner(plusIsSpace: plusIsSpace)) { destination, server in
            for name in names { server.put("pre/\(name)", "") }
            let plain = try await whole(destination).names
            #expect(bytes(plain) == bytes(names))
            #expect(server.seen.count == 1)
            let controls = ["new\nline", "bell\u{7}", "c d+e\u{1}"]
            for name in controls { server.put("pre/\(name)", "") }
            let all = try await whole(destination).names
            #expect(bytes(all) == bytes(names + controls))
            #expect(server.seen.last?.target.contains("encoding-type=url") == true)
        }
    }

    private func bytes(_ names: [String]) -> Set<[UInt8]> { Set(names.map { Array($0.utf8) }) }

    @Test("What no file could have for a name is left out, and told; a directory's own marker is not")
    func leftOut() async throws {
        try await with { destination, server in
            let long = String(repeating: "n", count: 256)
            for key in ["pre/", "pre/d/", "pre//x", "pre/./y", "pre/../z", "pre/" + long, "pre/ok"] {
                server.put(key, "")
            }
            server.put("pre/full/", "content")
            let (names, leftOut, _) = try await whole(destination)
            #expect(Set(names) == ["d/", "full/", "ok"])
            #expect(Set(leftOut) == ["pre//", "pre/./", "pre/../", "pre/" + long])
            #expect(try await whole(destination, "d").names.isEmpty)
            #expect(try await whole(destination, "d").leftOut.isEmpty)
            #expect(try await whole(destination, "full").leftOut == ["pre/full/"])
        }
    }

    @Test("One name is found by itself, as a file, a directory, or both", arguments: [1, 1000])
    func found(page: Int) async throws {
        try await with(BucketServer.Manner(page: page)) { destination, server in
            for key in ["pre/a", "pre/a-b", "pre/a.c", "pre/ab", "pre/d-e", "pre/d/x", "pre/d/y", "pre/in/f"] {
                server.put(key, "")
            }
            func kinds(_ name: String, _ directory: UploadPath = UploadPath([])) async throws -> [String] {
                let found = try await destination.find(try FileName(name), in: directory)
                #expect(found.allSatisfy { $0.name.text == name })
                return found.map { $0.kind == .directory ? "directory" : "file" }
            }
            for (name, expected) in [("a", ["file"]), ("d", ["directory"]), ("e", []), ("i", [])] {
                let found = try await kinds(name)
                #expect(found == expected, "\(name)")
            }
            let inner = try await kinds("f", UploadPath("in"))
            #expect(inner == ["file"])
            server.put("pre/d", "")
            let both = try await kinds("d")
            #expect(both == (page == 1 ? ["file"] : ["file", "directory"]))
        }
    }

    @Test("The bucket may stand in the host's name")
    func virtualHost() async throws {
        func url(_ endpoint: String) -> String {
            "s3://b?endpoint=\(endpoint.replacing("127.0.0.1", with: "localhost"))&path-style=false"
        }
        try await with(url: url) { destination, server in
            server.put("a", "")
            server.put("d/x", "")
            let names = try await whole(destination).names
            #expect(names == ["a", "d/"])
            #expect(server.seen.last?.fields["host"]?.hasPrefix("b.localhost") == true)
        }
    }

    @Test("A refusal says what is lacking")
    func refused() async throws {
        try await with(BucketServer.Manner(hidesListings: true)) { destination, _ in
            await #expect(throws: DestinationError.forbidden(status: 403, detail: "AccessDenied: no")) {
                try await destination.list(UploadPath([]), after: nil)
            }
        }
        let failure = FailureSentences.listing(.forbidden(status: 403, detail: "AccessDenied: no"))
        #expect(failure.remedy.contains("s3:ListBucket"))
        #expect(FailureSentences.listing(.damaged) == FailureSentences.failure(for: .damaged))
    }

    @Test("What is no listing is not taken for an empty one")
    func malformed() throws {
        func page(_ text: String, after mark: String? = nil) throws(DestinationError) -> ListingPage {
            let response = TransferResponse(status: 200, fields: [:], body: Array(text.utf8))
            guard let root = S3Document.parse(response.body) else { throw .cancelled }
            return try S3ListPage(root, response, "p/").page(after: mark.map { ListingMark($0) })
        }
        #expect(throws: DestinationError.self) { try page("<html/>") }
        #expect(throws: DestinationError.busy(status: 200, retryAfter: nil)) {
            try page("<Error><Code>InternalError</Code></Error>")
        }
        #expect(throws: DestinationError.self) {
            try page("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")
        }
        let endless =
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
            + "</ListBucketResult>"
        #expect(try page(endless).next == ListingMark("t"))
        #expect(throws: DestinationError.self) { try page(endless, after: "t") }
        let other = "<Key>q/a</Key><Size>1</Size><LastModified>2009-10-12T17:50:30Z</LastModified>"
        #expect(throws: DestinationError.self) {
            try page("<ListBucketResult><Contents>\(other)</Contents></ListBucketResult>")
        }
    }

    @Test(
        "Times are read as S3 writes them",
        arguments: zip(
            ["1970-01-01T00:00:00Z", "2009-10-12T17:50:30.250Z", "2009-10-12T17:50:30", "2009-13-12T17:50:30Z", "x"],
            [0, 1_255_369_830_250_000_000, nil, nil, nil] as [Int64?]))
    func times(text: String, nanoseconds: Int64?) {
        #expect(ISO8601Time.timestamp(text)?.nanoseconds == nanoseconds)
    }
}
