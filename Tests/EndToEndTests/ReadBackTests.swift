import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Files whose bytes have made room in the spool are read from the destination.
    @Suite struct ReadBackTests {
        private static let names = (1...6).map { "f\($0)" }

        /// Six files of 6 MiB each are published, of which the spool has room for two.
        private func publish(_ scene: Scene, _ mount: Mounted) throws {
            for name in Self.names { try scene.randomFile(name, mebibytes: 6) }
            for name in Self.names { try Shell.must("cp \(scene.source)/\(name) \(mount.path(name))") }
            try mount.waitForAll()
        }

        /// What the kernel has of a file is read anew.
        private func forget(_ path: String) -> String { "dd if=\(path) iflag=nocache count=0 status=none" }

        /// Requests that read, so far.
        private func reads(_ mount: Mounted) throws -> Int {
            let line = try mount.status("metrics").split(separator: "\n")
                .first { $0.hasPrefix("uploadfs_requests_total{operation=\"read\"}") }
            return try #require(line?.split(separator: " ").last.flatMap { Int($0) })
        }

        private func compareAll(_ scene: Scene, _ mount: Mounted) throws {
            for name in Self.names {
                let path = mount.path(name)
                try Shell.must("\(forget(path)); cmp \(path) \(scene.source)/\(name)")
            }
        }

        /// Pieces of any size, at any place, in any order.
        private func comparePieces(_ scene: Scene, _ mount: Mounted) throws {
            let path = mount.path("f2")
            try Shell.must(
                """
                \(forget(path)); for n in $(seq 40); do
                    at=$((RANDOM * RANDOM % 6300000)); length=$((RANDOM % 20000 + 1))
                    part() { dd if=$1 iflag=skip_bytes,count_bytes skip=$at count=$length status=none; }
                    cmp <(part \(path)) <(part \(scene.source)/f2) || exit 1
                done
                """)
        }

        @Test(
            "Evicted files read as they were written: as a whole, at random, and after a remount",
            .timeLimit(.minutes(3)))
        func evicted() throws {
            let scene = try Scene()
            let server = try scene.server()
            do {
                let mount = try scene.mount(server.port, ["--spool-limit", "16MiB"])
                try publish(scene, mount)
                #expect(try reads(mount) == 0)
                try compareAll(scene, mount)
                #expect(try reads(mount) > 10)
                try comparePieces(scene, mount)
                // Who appends, or changes a byte, is refused; who replaces it is not.
                #expect(try Shell.run("echo more >> \(mount.path("f1"))").code != 0)
                try Shell.must("cp \(scene.source)/f2 \(mount.path("f1")); cmp \(mount.path("f1")) \(scene.source)/f2")
                try Shell.must("cp \(scene.source)/f1 \(mount.path("f1"))")
                try mount.waitForAll()
                mount.program.signal(SIGTERM)
                #expect(mount.program.waitForEnd(within: 5) == 0)
            }
            let mount = try scene.mount(server.port, ["--spool-limit", "16MiB"])
            try compareAll(scene, mount)
            try comparePieces(scene, mount)
            #expect(try mount.peakMemory() < 128 << 20)
        }

        @Test("So do they in a bucket, of many parts", .timeLimit(.minutes(3)))
        func bucket() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let mount = try Mounted(
                store.destination(by: store.port), at: scene.directory.file("mount"),
                state: scene.directory.file("state"), options: ["--spool-limit", "16MiB"],
                environment: store.environment, in: scene.directory)
            try publish(scene, mount)
            try compareAll(scene, mount)
            try comparePieces(scene, mount)
            #expect(try reads(mount) > 10)
        }

        @Test(
            "A stream that was too big for the spool is read as a whole once it is published", .timeLimit(.minutes(2)))
        func stream() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port, ["--spool-limit", "16MiB"])
            try scene.randomFile("film", mebibytes: 60)
            try Shell.must("cat \(scene.source)/film > \(mount.path("film"))")
            try mount.waitForAll()
            try Shell.must("\(forget(mount.path("film"))); cmp \(mount.path("film")) \(scene.source)/film")
        }

        @Test(
            "What somebody else has put in a file's place is not read for it, nor a part of both: EIO, and detail says why",
            .timeLimit(.minutes(2)))
        func replaced() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port, ["--spool-limit", "16MiB"])
            try publish(scene, mount)
            for name in ["f1", "f2"] { try Shell.must(forget(mount.path(name))) }
            // In the middle of a read.
            let out = scene.directory.file("out")
            let (code, output) = try Shell.run(
                """
                exec 3< \(mount.path("f1")); dd bs=64K count=1 status=none <&3 > \(out)
                head -c 6M /dev/urandom > \(server.file("new")); mv \(server.file("new")) \(server.file("f1"))
                cat <&3 >> \(out)
                """)
            #expect(code != 0 && output.contains("Input/output error"), "\(output)")
            try Shell.must("cmp -n $(stat -c %s \(out)) \(out) \(scene.source)/f1; test -s \(out)")
            #expect(try Shell.run("cat \(mount.path("f1")) > \(out)").code != 0)
            let detail = try mount.status("detail/f1")
            #expect(detail.contains("object-changed") && detail.contains("somebody else"), "\(detail)")
            _ = try mount.program.line(with: "could not be read from the destination", within: 5)
            // One that is gone is told as such, and its neighbours are there.
            try Shell.must("rm \(server.file("f2"))")
            #expect(try Shell.run("cat \(mount.path("f2")) > \(out)").code != 0)
            #expect(try mount.status("detail/f2").contains("object-gone"))
            try Shell.must("cmp \(mount.path("f6")) \(scene.source)/f6")
            // Written again, it is whole.
            try Shell.must("cp \(scene.source)/f1 \(mount.path("f1")); cmp \(mount.path("f1")) \(scene.source)/f1")
            try mount.waitForAll()
            #expect(!(try mount.status("detail/f1").contains("readError")))
        }

        @Test(
            "With the server stopped a read can be interrupted, everything else answers, and the read goes on with it",
            .timeLimit(.minutes(2)))
        func stopped() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port, ["--spool-limit", "16MiB", "--stall-time", "20s"])
            try publish(scene, mount)
            for name in ["f1", "f2"] { try Shell.must(forget(mount.path(name))) }
            server.program.signal(SIGSTOP)
            defer { server.program.signal(SIGCONT) }
            let interrupted = try Program("/bin/cat", [mount.path("f1")])
            #expect(interrupted.waitForEnd(within: 1) == nil, "it did not wait")
            for line in [
                "ls -l \(mount.mountpoint)", "cat \(mount.path(".uploadfs/status"))", "df \(mount.mountpoint)",
                "cmp \(mount.path("f6")) \(scene.source)/f6", "echo text > \(mount.path("new"))",
            ] { try Shell.must(line, within: 3) }
            interrupted.signal(SIGINT)
            #expect(interrupted.waitForEnd(within: 2) == 128 + SIGINT)
            // Who replaces it does not wait for who reads it.
            let reading = try Program("/bin/cat", [mount.path("f2")])
            #expect(reading.waitForEnd(within: 1) == nil)
            try Shell.must("cp \(scene.source)/f3 \(mount.path("f2"))", within: 3)
            #expect(reading.waitForEnd(within: 3) != nil)
            let waiting = try Program("/bin/bash", ["-c", "cmp \(mount.path("f1")) \(scene.source)/f1"])
            #expect(waiting.waitForEnd(within: 1) == nil)
            server.program.signal(SIGCONT)
            #expect(waiting.waitForEnd(within: 30) == 0, "\(waiting.output)")
            // A wait ends with the mount.
            for name in ["f1", "f4"] { try Shell.must(forget(mount.path(name))) }
            server.program.signal(SIGSTOP)
            let last = try Program("/bin/cat", [mount.path("f1")])
            #expect(last.waitForEnd(within: 1) == nil)
            mount.program.signal(SIGTERM)
            #expect(mount.program.waitForEnd(within: 5) == 0)
            #expect(last.waitForEnd(within: 2) != nil)
        }
    }
}
