import Foundation
import TestSupport
import Testing
import UploadCore

@testable import UploadServer

/// Published files lie below the server's directory and nowhere else, whole or not at all.
@Suite(.timeLimit(.minutes(1)))
struct PublishTests {
    @Test(arguments: [
        "/files/../x", "/files/%2e%2e/x", "/files/a/../../x", "/files/a%2f..%2f..%2fx", "/files/.incoming/x",
        "/files/%2eincoming/x", "/files//etc/passwd", "/files/a%00b", "/files/", "/files/a/", "/files/%ff",
    ])
    func noNameLeadsOut(_ target: String) async throws {
        try await ServerUnderTest.run { server async throws in
            let put = try await server.put(target, "evil")
            #expect(put.problem == .badName)
            #expect(try await server.ask("GET", target).problem == .badName)
            let parent = (server.directory as NSString).deletingLastPathComponent
            #expect(try FileManager.default.contentsOfDirectory(atPath: parent) == ["received"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: server.directory) == [".incoming"])
        }
    }

    @Test(arguments: ["../x", "a/../../x", "/etc/x", ".incoming/x", "a\0b", "", "a//b", "."])
    func noNameInJSONLeadsOut(_ name: String) async throws {
        try await ServerUnderTest.run { server async throws in
            let refused = try await server.post(
                "/upload/init",
                NativeProtocol.InitRequest(name: name, size: nil, contentType: "a/b", chunkSize: 8, metadata: [:]))
            #expect(refused.problem == .badName)
            let session = try await server.begin().session
            #expect(try await server.finalize(session, name, "").problem == .badName)
        }
    }

    @Test func noSymbolicLinkIsFollowed() async throws {
        let outside = try TemporaryDirectory()
        try "secret".write(toFile: outside.file("secret"), atomically: false, encoding: .utf8)
        try await ServerUnderTest.run { server async throws in
            try FileManager.default.createSymbolicLink(atPath: server.path("dir"), withDestinationPath: outside.path)
            try FileManager.default.createSymbolicLink(
                atPath: server.path("file"), withDestinationPath: outside.file("secret"))
            #expect(try await server.put("/files/dir/new", "evil").problem == .conflict)
            #expect(try await server.ask("GET", "/files/dir/secret").problem == .notFound)
            #expect(try await server.ask("GET", "/files/file").problem == .notFound)
            // The link itself is replaced, not what it points to.
            #expect(try await server.put("/files/file", "mine").status < 300)
            #expect(try contents(outside.file("secret")) == "secret")
            #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == ["secret"])
            #expect(try await server.ask("GET", "/files/file").text == "mine")
        }
    }

    @Test func aFileIsNoDirectoryAndADirectoryNoFile() async throws {
        try await ServerUnderTest.run { server async throws in
            #expect(try await server.put("/files/a/b", "1").status == 201)
            #expect(try await server.put("/files/a", "2").problem == .conflict)
            #expect(try await server.put("/files/a/b/c", "3").problem == .conflict)
            let session = try await server.begin().session
            #expect(try await server.finalize(session, "a", "").problem == .conflict)
            #expect(try await server.finalize(session, "a/b/c", "").problem == .conflict)
            #expect(try await server.finalize(session, "a/c", "").status == 200)
            #expect(try await server.ask("GET", "/files/a").problem == .notFound)
            #expect(try contents(server.path("a/b")) == "1")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: server.path(".incoming")).allSatisfy {
                    !$0.hasSuffix(".put")
                })
        }
    }

    @Test func ofManyAtOnceOneWinsWhole() async throws {
        try await ServerUnderTest.run { server async throws in
            let contents = (0..<12).map { String(repeating: "\($0),", count: 50_000) }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for content in contents { group.addTask { try await server.put("/files/same", content).status } }
                for try await status in group { #expect(status == 200 || status == 201) }
            }
            let served = try await server.ask("GET", "/files/same")
            #expect(contents.contains(served.text))
            #expect(served.headers["repr-digest"] == digest(served.text))
        }
    }

    @Test func aPutThatBreaksOffLeavesNothing() async throws {
        try await ServerUnderTest.run { server async throws in
            let broken = try RawConnection(port: server.port)
            try await broken.send(
                "PUT /files/a HTTP/1.1\r\nHost: x\r\nContent-Digest: \(digest("aaaa"))\r\nContent-Length: 4\r\n\r\naa")
            let incoming = server.path(".incoming")
            while try FileManager.default.contentsOfDirectory(atPath: incoming).count == 1 { await Task.yield() }
            broken.reset()
            while try FileManager.default.contentsOfDirectory(atPath: incoming).count > 1 { await Task.yield() }
            #expect(try await server.ask("GET", "/files/a").problem == .notFound)
        }
    }

    @Test func aFullDiskIsAProblemAndHarmsNothing() async throws {
        let place = try TemporaryDirectory()
        let mounted = place.file("small")
        try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: false)
        try #require(try Self.run("/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mounted) == 0)
        defer { _ = try? Self.run("/bin/umount", "-l", mounted) }
        try await ServerUnderTest.run(in: mounted + "/received") { server async throws in
            let content = String(repeating: "x", count: 2 << 20)
            let session = try await server.begin(chunkSize: 2 << 20).session
            #expect(try await server.chunk(session, 0, content).problem == .diskFull)
            #expect(try await server.status(session).chunks.isEmpty)
            #expect(try await server.put("/files/a", content).problem == .diskFull)
            #expect(try await server.ask("DELETE", "/upload?session=\(session)").status == 204)
            #expect(try await server.put("/files/a", "fits").status == 201)
            #expect(try contents(server.path("a")) == "fits")
        }
    }

    private static func run(_ program: String, _ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
