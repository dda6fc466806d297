import Foundation
import Logging
import ServiceLifecycle
import TestSupport
import Testing
import UploadCore

@testable import UploadServer

/// Starting, being refused to start, and stopping.
@Suite(.timeLimit(.minutes(1)))
struct LifecycleTests {
    private func server(_ directory: String, _ adjust: (inout UploadServerConfiguration) -> Void = { _ in }) throws
        -> UploadServer
    {
        var configuration = UploadServerConfiguration(directory: directory)
        adjust(&configuration)
        return try UploadServer(configuration: configuration, logger: .quiet)
    }

    @Test func beyondLoopbackATokenIsNeeded() throws {
        let place = try TemporaryDirectory()
        #expect(throws: UploadServerError.tokenRequired(host: "0.0.0.0")) {
            try server(place.file("a")) { $0.host = "0.0.0.0" }
        }
        #expect(throws: UploadServerError.emptyToken) { try server(place.file("a")) { $0.token = "" } }
        #expect(throws: UploadServerError.invalidPort(65536)) { try server(place.file("a")) { $0.port = 65536 } }
        #expect(!FileManager.default.fileExists(atPath: place.file("a")), "nothing is made for a refusal")
    }

    @Test func theDirectoryIsMadeForNobodyElse() throws {
        let place = try TemporaryDirectory()
        _ = try server(place.file("x/y/z"))
        for part in ["x", "x/y", "x/y/z", "x/y/z/.incoming"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: place.file(part))
            #expect(attributes[.posixPermissions] as? Int == 0o700)
        }
    }

    @Test func aDirectoryThatCannotBeUsedIsToldApart() throws {
        let place = try TemporaryDirectory()
        try "x".write(toFile: place.file("file"), atomically: false, encoding: .utf8)
        #expect(throws: UploadServerError.directoryUnusable(path: place.file("file"), errno: ENOTDIR)) {
            try server(place.file("file"))
        }
        #expect(throws: UploadServerError.directoryPermission(path: "/proc/uploadfs")) {
            do { return try server("/proc/uploadfs") } catch UploadServerError.directoryUnusable(_, ENOENT) {
                // What procfs answers to root.
                throw UploadServerError.directoryPermission(path: "/proc/uploadfs")
            }
        }
        let one = try server(place.file("a"))
        #expect(throws: UploadServerError.directoryInUse(path: place.file("a"))) { try server(place.file("a")) }
        withExtendedLifetime(one) {}
    }

    @Test func aPortThatIsTakenIsToldToWhoRunsAndToWhoWaits() async throws {
        let place = try TemporaryDirectory()
        try await ServerUnderTest.run { first in
            let second = try server(place.file("a")) { $0.port = first.port }
            let expected = UploadServerError.portInUse(host: "127.0.0.1", port: first.port)
            let waiting = Task { try await second.boundPort() }
            await #expect(throws: expected) { try await second.run() }
            await #expect(throws: expected) { try await waiting.value }
        }
    }

    @Test func anAddressOfNobodyIsToldApart() async throws {
        let place = try TemporaryDirectory()
        for host in ["192.0.2.1", "no-such-host.invalid"] {
            let server = try server(place.file(host)) {
                $0.host = host
                $0.token = "t"
            }
            await #expect(throws: UploadServerError.addressUnavailable(host: host)) { try await server.run() }
        }
    }

    @Test func aServerThatWasStoppedBeforeItListenedSaysSo() async throws {
        let place = try TemporaryDirectory()
        let server = try server(place.file("a"))
        let running = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await server.run()
        }
        _ = await running.result
        await #expect(throws: UploadServerError.stopped) { try await server.boundPort() }
    }

    @Test func aRequestUnderWayIsFinishedBeforeTheServerStops() async throws {
        let place = try TemporaryDirectory()
        let server = try server(place.file("a"))
        let group = ServiceGroup(configuration: .init(services: [server], logger: .quiet))
        let running = Task { try await group.run() }
        let port = try await server.boundPort()
        let connection = try RawConnection(port: port)
        try await connection.send(
            "PUT /files/a HTTP/1.1\r\nHost: x\r\nContent-Digest: \(digest("aaaa"))\r\nContent-Length: 4\r\n\r\naa")
        let incoming = place.file("a/.incoming")
        while try FileManager.default.contentsOfDirectory(atPath: incoming).count == 1 { await Task.yield() }
        await group.triggerGracefulShutdown()
        while (try? RawConnection(port: port)) != nil { await Task.yield() }
        try await connection.send("aa")
        #expect(try await Answer(connection.receiveAll()).status == 201)
        try await running.value
        #expect(try contents(place.file("a/a")) == "aaaa")
    }

    @Test func aRequestThatDoesNotEndDoesNotHoldTheServerUp() async throws {
        let place = try TemporaryDirectory()
        let server = try server(place.file("a"))
        let group = ServiceGroup(configuration: .init(services: [server], logger: .quiet))
        let running = Task { try await group.run() }
        let connection = try RawConnection(port: try await server.boundPort())
        try await connection.send(
            "PUT /files/a HTTP/1.1\r\nHost: x\r\nContent-Digest: \(digest("aaaa"))\r\nContent-Length: 4\r\n\r\naa")
        let incoming = place.file("a/.incoming")
        while try FileManager.default.contentsOfDirectory(atPath: incoming).count == 1 { await Task.yield() }
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(try FileManager.default.contentsOfDirectory(atPath: incoming) == ["lock"])
    }
}
