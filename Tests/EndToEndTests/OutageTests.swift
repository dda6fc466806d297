import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// The network and what is at its other end.
    @Suite struct OutageTests {
        private func requests(_ mount: Mounted) throws -> Int {
            try mount.status("metrics").split(separator: "\n")
                .filter { $0.hasPrefix("uploadfs_requests_total") }
                .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
        }

        @Test(
            "A dead destination is probed, not hammered; writers go on, status says why and until when, and all goes up afterwards",
            .timeLimit(.minutes(4)))
        func dead() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port)
            server.end(by: SIGKILL)
            try Shell.must("for n in $(seq 300); do echo $n > \(mount.path("f"))$n; done", within: 30)
            try Shell.must(
                "head -c 20M /dev/urandom > \(scene.source)/big; cp \(scene.source)/big \(mount.path("big"))")
            try Shell.must("until grep -q STOPPED \(mount.path(".uploadfs/status")); do :; done", within: 10)
            let before = try requests(mount)
            try Shell.must("sleep 60", within: 90)
            // Twelve probes at the most: after 0.5, 1, 2, 4, 8, 16 and then 30 seconds, or half of that.
            let after = try requests(mount)
            #expect(after - before <= 12, "\(after - before) requests in 60 s")
            let status = try mount.status("status")
            #expect(status.contains("connection refused") && status.contains("Asked again in"), "\(status)")
            let again = try scene.server(port: server.port)
            try mount.waitForAll()
            try Shell.must("cmp \(scene.source)/big \(again.file("big"))")
            #expect(try Shell.must("ls \(again.directory) | grep -c '^f'") == "300\n")
        }

        @Test(
            "A server that lost its sessions, or was replaced, gets everything from the spool again",
            .timeLimit(.minutes(1)))
        func sessionsLost() throws {
            let scene = try Scene()
            try scene.randomFile("big", mebibytes: 20)
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            proxy.setRate(bytesPerSecond: 10_000_000)
            let mount = try scene.mount(proxy.port)
            try Shell.must("cp \(scene.source)/big \(mount.path("big"))")
            try Shell.must(
                "until grep -q '^[2-9][0-9]' \(mount.path(".uploadfs/progress/big")); do :; done", within: 20)
            server.end(by: SIGKILL)
            try Shell.must("rm -rf \(scene.directory.file("received"))/.incoming")
            proxy.setRate(bytesPerSecond: nil)
            let again = try scene.server(port: server.port)
            try mount.wait(for: "big")
            try Shell.must("cmp \(scene.source)/big \(again.file("big"))")
        }

        @Test("A name that does not resolve is told, with its remedy, and blocks nobody", .timeLimit(.minutes(1)))
        func unresolved() throws {
            let scene = try Scene()
            let mount = try Mounted(
                "http://nobody.invalid:8080", at: scene.directory.file("mount"), state: scene.directory.file("state"),
                options: ["--offline"], in: scene.directory)
            try Shell.must("echo text > \(mount.path("a")); ls \(mount.mountpoint); df \(mount.mountpoint)", within: 5)
            try Shell.must(
                "until grep -q 'nobody.invalid\" does not resolve' \(mount.path(".uploadfs/status")); do :; done",
                within: 20)
            mount.program.signal(SIGTERM)
            #expect(mount.program.waitForEnd(within: 5) == 0)
        }

        @Test(
            "A token that expires stops the queue, and a new one in the token file lets it go on",
            .timeLimit(.minutes(1)))
        func tokenExpires() throws {
            let scene = try Scene()
            let token = scene.directory.file("token")
            try Shell.must("umask 077; echo first > \(token)")
            let server = try scene.server(options: ["--token-file", token])
            let mount = try scene.mount(server.port, ["--token-file", token])
            server.end(by: SIGTERM)
            let other = scene.directory.file("other")
            try Shell.must("umask 077; echo second > \(other)")
            let again = try scene.server(port: server.port, options: ["--token-file", other])
            try Shell.must("echo text > \(mount.path("a"))")
            try Shell.must("until grep -q 'does not accept' \(mount.path(".uploadfs/status")); do :; done", within: 20)
            try Shell.must("cp \(other) \(token)")
            try mount.wait(for: "a", within: 40)
            #expect(try Shell.must("cat \(again.file("a"))") == "text\n")
            #expect(!mount.program.output.contains("second"))
        }
    }
}
