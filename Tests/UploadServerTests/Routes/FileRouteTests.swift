import Foundation
import Testing
import UploadCore

@testable import UploadServer

/// PUT, GET and HEAD of /files.
@Suite(.timeLimit(.minutes(1)))
struct FileRouteTests {
    @Test func aFileThatWasPutIsServed() async throws {
        try await ServerUnderTest.run { server async throws in
            let put = try await server.put(
                "/files/n%C3%A9/a%20b.txt", "hello",
                [
                    "Content-Type": "text/plain", "X-Upload-Mtime": "784111777.25", "X-Upload-Mode": "604",
                    "Repr-Digest": digest("hello"),
                ])
            #expect(put.status == 201)
            let receipt = try put.decode(NativeProtocol.FinalizeResponse.self)
            #expect(receipt.url == "http://127.0.0.1:\(server.port)/files/n%C3%A9/a%20b.txt")
            #expect(receipt.size == 5 && receipt.digest == digest("hello"))
            let attributes = try FileManager.default.attributesOfItem(atPath: server.path("né/a b.txt"))
            #expect(attributes[.posixPermissions] as? Int == 0o604)

            let got = try await server.ask("GET", "/files/n%C3%A9/a%20b.txt")
            #expect(got.status == 200 && got.text == "hello")
            #expect(got.headers["content-type"] == "text/plain")
            #expect(got.headers["content-length"] == "5")
            #expect(got.headers["repr-digest"] == digest("hello"))
            #expect(got.headers["etag"] == "\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"")
            #expect(got.headers["last-modified"] == "Sun, 06 Nov 1994 08:49:37 GMT")
            #expect(got.headers["accept-ranges"] == "bytes")

            let head = try await server.ask("HEAD", "/files/n%C3%A9/a%20b.txt")
            #expect(head.status == 200 && head.body.isEmpty)
            #expect(head.headers == got.headers.merging(["date": head.headers["date"] ?? ""]) { $1 })
        }
    }

    @Test func aFileIsReplacedByTheNextOneOfItsName() async throws {
        try await ServerUnderTest.run { server async throws in
            #expect(try await server.put("/files/a", "one").status == 201)
            #expect(try await server.put("/files/a", "other").status == 200)
            #expect(try await server.put("/files/a", "").status == 200)
            let served = try await server.ask("GET", "/files/a")
            #expect(served.text == "" && served.headers["content-length"] == "0")
            #expect(served.headers["content-type"] == "application/octet-stream")
        }
    }

    @Test func aRangeIsAPart() async throws {
        try await ServerUnderTest.run { server async throws in
            let content = String((0..<100_000).map { _ in "abcdefghij".randomElement() ?? "a" }) + "0123456789"
            _ = try await server.put("/files/a", content)
            let tag = try #require(try await server.ask("HEAD", "/files/a").headers["etag"])
            let part = try await server.ask("GET", "/files/a", ["Range": "bytes=100000-100003"])
            #expect(part.status == 206 && part.text == "0123")
            #expect(part.headers["content-range"] == "bytes 100000-100003/100010")
            #expect(part.headers["content-length"] == "4")
            #expect(part.headers["repr-digest"] == digest(content), "of the whole, as RFC 9530 has it")
            #expect(try await server.ask("GET", "/files/a", ["Range": "bytes=-2"]).text == "89")
            #expect(try await server.ask("GET", "/files/a", ["Range": "bytes=0-1,4-5"]).text == content)

            let beyond = try await server.ask("GET", "/files/a", ["Range": "bytes=100010-"])
            #expect(beyond.problem == .notSatisfiable)
            #expect(beyond.headers["content-range"] == "bytes */100010")

            let fresh = try await server.ask("GET", "/files/a", ["Range": "bytes=0-0", "If-Range": tag])
            #expect(fresh.status == 206)
            let stale = try await server.ask("GET", "/files/a", ["Range": "bytes=0-0", "If-Range": "\"old\""])
            #expect(stale.status == 200 && stale.text == content)
            let head = try await server.ask("HEAD", "/files/a", ["Range": "bytes=2-5"])
            #expect(head.status == 206 && head.headers["content-length"] == "4" && head.body.isEmpty)
        }
    }

    @Test func whoHasItGetsNothing() async throws {
        try await ServerUnderTest.run { server async throws in
            _ = try await server.put("/files/a", "x")
            let tag = try #require(try await server.ask("HEAD", "/files/a").headers["etag"])
            let same = try await server.ask("GET", "/files/a", ["If-None-Match": "\"other\", \(tag)"])
            #expect(same.status == 304 && same.body.isEmpty && same.headers["etag"] == tag)
            #expect(try await server.ask("GET", "/files/a", ["If-None-Match": "\"other\""]).status == 200)
        }
    }

    @Test func whoWantsOneFileGetsNoOther() async throws {
        try await ServerUnderTest.run { server async throws in
            _ = try await server.put("/files/a", "x")
            let tag = try #require(try await server.ask("HEAD", "/files/a").headers["etag"])
            for wanted in [tag, "\"other\", \(tag)", "*"] {
                let same = try await server.ask("GET", "/files/a", ["If-Match": wanted, "Range": "bytes=0-0"])
                #expect(same.status == 206 && same.text == "x")
            }
            for wanted in ["\"other\"", "W/\(tag)"] {
                let other = try await server.ask("GET", "/files/a", ["If-Match": wanted, "Range": "bytes=0-0"])
                #expect(other.status == 412 && other.body.isEmpty && other.headers["etag"] == tag)
            }
        }
    }

    @Test func aFileThatAPersonPutThereOrChangedIsServedWithItsOwnDigest() async throws {
        try await ServerUnderTest.run { server async throws in
            _ = try await server.put("/files/a.png", "uploaded", ["Content-Type": "image/x"])
            try "edited by hand".write(toFile: server.path("a.png"), atomically: false, encoding: .utf8)
            #expect(try await server.ask("GET", "/files/a.png").headers["repr-digest"] == digest("edited by hand"))
            try "new".write(toFile: server.path("b.png"), atomically: false, encoding: .utf8)
            for _ in 0..<2 {
                let served = try await server.ask("GET", "/files/b.png")
                #expect(served.headers["repr-digest"] == digest("new"))
                #expect(served.headers["content-type"] == "image/png")
            }
        }
    }

    @Test func aPutThatIsNotWhatItsDigestSaysIsNotThere() async throws {
        try await ServerUnderTest.run { server async throws in
            let put = try await server.put("/files/a", "x", ["Content-Digest": digest("y")])
            #expect(put.problem == .digestMismatch)
            #expect(try await server.put("/files/a", "x", ["Repr-Digest": digest("y")]).problem == .digestMismatch)
            #expect(try await server.ask("GET", "/files/a").problem == .notFound)
            #expect(try FileManager.default.contentsOfDirectory(atPath: server.path(".incoming")) == ["lock"])
        }
    }

    @Test func aClientThatAsksFirstIsToldToGoOn() async throws {
        try await ServerUnderTest.run(adjust: { $0.maximumFileSize = 10 }) { server async throws in
            let taken = try await server.put("/files/a", "x", ["Expect": "100-continue"])
            #expect(taken.informational == 1 && taken.status == 201)
            let refused = try await server.put("/files/a", "0123456789ab", ["Expect": "100-continue"])
            #expect(refused.informational == 0 && refused.problem == .tooLarge)
        }
    }

    @Test func manyRequestsGoOverOneConnection() async throws {
        try await ServerUnderTest.run { server async throws in
            let connection = try RawConnection(port: server.port)
            for number in 0..<20 {
                let last = number == 19 ? "Connection: close\r\n" : ""
                try await connection.send(
                    "PUT /files/\(number) HTTP/1.1\r\nHost: x\r\n\(last)Content-Digest: \(digest("x"))\r\n"
                        + "Content-Length: 1\r\n\r\nx")
            }
            let answers = String(decoding: try await connection.receiveAll(), as: UTF8.self)
            #expect(answers.components(separatedBy: "HTTP/1.1 201").count == 21)
        }
    }
}
