import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Issue 2, 3: progress is read with cat.
    @Suite struct StatusFileTests {
        @Test(
            "progress rises in percent, with rate and ETA, while the upload is held to 5 MB/s; wait gives the URL",
            .timeLimit(.minutes(3)))
        func progress() throws {
            let scene = try Scene()
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            proxy.setRate(bytesPerSecond: 5_000_000)
            let mount = try scene.mount(proxy.port)
            try scene.randomFile("film", mebibytes: 24)
            try Shell.must("cp \(scene.source)/film \(mount.path("film"))")
            var seen: [Double] = []
            var rates = 0
            while true {
                let line = try Shell.must("cat \(mount.path(".uploadfs/progress/film"))")
                let words = line.split(separator: " ")
                let percent = try #require(Double(words[0].dropLast()))
                if percent != seen.last { seen.append(percent) }
                if percent > 20, percent < 95, line.contains("MB/s ETA "), !line.contains("ETA -") {
                    rates += 1
                    let rate = try #require(Double(words[3]))
                    #expect(rate > 2 && rate < 9, "\(line)")
                }
                if percent == 100 { break }
            }
            #expect(seen == seen.sorted())
            #expect(seen.count > 10, "\(seen)")
            #expect(rates > 0)
            let url = try mount.wait(for: "film")
            #expect(url == "http://127.0.0.1:\(server.port)/files/film")
        }

        @Test(
            "wait blocks until the file is there, can be interrupted, and answers as soon as it is",
            .timeLimit(.minutes(2)))
        func waiting() throws {
            let scene = try Scene()
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            let mount = try scene.mount(proxy.port)
            server.program.signal(SIGSTOP)
            try Shell.must("echo hello > \(mount.path("hello"))")
            let interrupted = try Program("/bin/cat", [mount.path(".uploadfs/wait/hello")])
            #expect(interrupted.waitForEnd(within: 1) == nil, "it did not wait: \(interrupted.output)")
            interrupted.signal(SIGINT)
            #expect(interrupted.waitForEnd(within: 2) == 128 + SIGINT)
            let waiting = try Program("/bin/cat", [mount.path(".uploadfs/wait/hello")])
            server.program.signal(SIGCONT)
            #expect(waiting.waitForEnd(within: 30) == 0)
            #expect(try waiting.line(with: "http").hasSuffix("/files/hello"))
        }

        @Test(
            "wait fails with EIO when the file failed, and detail says why and what mends it", .timeLimit(.minutes(1)))
        func waitingForFailure() throws {
            let scene = try Scene()
            let before = try scene.server()
            let mount = try scene.mount(before.port)
            // What it takes is asked for at the beginning: of this the mount does not know.
            before.end(by: SIGTERM)
            let server = try scene.server(port: before.port, options: ["--allow-type", "image/*"])
            defer { server.end(by: SIGTERM) }
            try Shell.must("echo hello > \(mount.path("a.txt"))")
            let (code, output) = try Shell.run("cat \(mount.path(".uploadfs/wait/a.txt"))")
            #expect(code == 1 && output.contains("Input/output error"), "\(output)")
            let detail = try mount.status("detail/a.txt")
            #expect(
                detail.contains("\"phase\" : \"failed\"") && detail.contains("type-refused")
                    && detail.contains("remedy"))
            #expect(try mount.status("status").contains("type of file"))
            let (waited, said) = try Binary.run("wait", mount.mountpoint)
            #expect(waited == 1 && said.contains("a.txt"), "\(said)")
        }

        @Test("Asked for before its file is there, a virtual file is found as soon as that is", .timeLimit(.minutes(1)))
        func askedTooEarly() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            let early = "for kind in progress detail; do cat .uploadfs/$kind/d/late"
            try Shell.must(
                """
                cd \(mount.mountpoint); \(early) 2> /dev/null && exit 1; done
                mkdir d; \(early) 2> /dev/null && exit 1; done
                echo hello > d/late; \(early) || exit 1; done
                """)
        }

        @Test("The virtual files are hidden but reachable, read-only, and each has its form", .timeLimit(.minutes(1)))
        func virtualFiles() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            try Shell.must("echo hello > \(mount.path("hello"))")
            try mount.wait(for: "hello")
            #expect(try Shell.must("ls -A \(mount.mountpoint)") == "hello\n")
            #expect(try Shell.must("ls \(mount.mountpoint)/.uploadfs").contains("status.json"))
            #expect(try mount.status("status").contains("all is uploaded"))
            #expect(
                try mount.status("progress/hello") == "100.0% 6/6 B 0 B/s ETA 0s done retries=0 error=none\n"
                    || mount.status("progress/hello").hasPrefix("100.0% 6/6 B "))
            try Shell.must(
                "python3 -c 'import json,sys; d=json.load(sys.stdin); assert d[\"schema\"] == 1 and d[\"totals\"][\"filesDone\"] == 1' < \(mount.mountpoint)/.uploadfs/status.json"
            )
            try Shell.must(
                "python3 -c 'import json,sys; d=json.load(sys.stdin); assert d[\"phase\"] == \"done\" and d[\"url\"].endswith(\"/files/hello\")' < \(mount.mountpoint)/.uploadfs/detail/hello"
            )
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            try Shell.must(
                "\(root.path)/.venv/bin/python -c 'import sys; from prometheus_client.parser import text_string_to_metric_families as p; assert len(list(p(sys.stdin.read()))) > 10' < \(mount.mountpoint)/.uploadfs/metrics"
            )
            for line in ["echo x > status", "rm status", "mkdir d", "touch new", "mv status other"] {
                #expect(try Shell.run("cd \(mount.mountpoint)/.uploadfs && \(line)").code != 0, "\(line)")
            }
            #expect(
                try Shell.must("cd \(mount.mountpoint); getfattr --only-values -n user.uploadfs.phase hello") == "done")
            #expect(try Shell.must("mount -t fuse.uploadfs").contains(mount.mountpoint))
        }

        @Test(
            "status --json, status and wait say the same from the command line; wait times out with 124",
            .timeLimit(.minutes(1)))
        func commands() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port)
            server.program.signal(SIGSTOP)
            defer { server.program.signal(SIGCONT) }
            try Shell.must("echo hello > \(mount.path("hello"))")
            #expect(try Binary.run("status", mount.mountpoint).output.contains("hello"))
            #expect(try Binary.run("status", "--json", mount.mountpoint).output.contains("\"schema\" : 1"))
            let (code, output) = try Binary.run("wait", mount.mountpoint, "hello", "--timeout", "500ms")
            #expect(code == 124 && output.contains("Timed out"), "\(output)")
            server.program.signal(SIGCONT)
            let (done, url) = try Binary.run("wait", mount.mountpoint, "hello")
            #expect(done == 0 && url.contains("/files/hello"))
        }
    }
}
