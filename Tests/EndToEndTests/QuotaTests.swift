import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// P4: the spool has a quota, whoever writes what.
    ///
    /// `UPLOADFS_STREAM_MEBIBYTES=10240 UPLOADFS_STREAM_QUOTA=256` makes the stream longer than CI's.
    @Suite struct QuotaTests {
        private static func setting(_ name: String, default number: Int) -> Int {
            ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? number
        }

        @Test(
            "A stream many times the spool's size passes through it, over a slow destination; spool and memory stay small",
            .timeLimit(.minutes(15)))
        func streamThrough() throws {
            let scene = try Scene()
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            proxy.setRate(bytesPerSecond: 60_000_000)
            let length = Self.setting("UPLOADFS_STREAM_MEBIBYTES", default: 1024)
            let quota = Self.setting("UPLOADFS_STREAM_QUOTA", default: 64)
            let mount = try scene.mount(proxy.port, ["--spool-limit", "\(quota)MiB"], limit: 900)
            // What the spool occupies, as often as it can be looked at while the stream goes.
            let peak = scene.directory.file("peak")
            let watch = try Program(
                "/bin/bash",
                [
                    "-c",
                    "m=0; while :; do n=$(du -sk \(scene.directory.file("state"))/spool | cut -f1); "
                        + "if [ \"$n\" -gt $m ]; then m=$n; echo $m > \(peak); fi; done",
                ])
            defer { watch.end(within: 2) }
            try Shell.must(
                "head -c \(length)M /dev/urandom | tee >(sha256sum > \(scene.directory.file("sum"))) | dd of=\(mount.path("stream")) bs=1M iflag=fullblock status=none",
                within: 800)
            try mount.wait(for: "stream")
            watch.end(within: 2)
            let arrived = try Shell.must("sha256sum < \(server.file("stream"))")
            #expect(try Shell.must("cat \(scene.directory.file("sum"))") == arrived)
            let kibibytes = try #require(
                Int(try Shell.must("cat \(peak)").trimmingCharacters(in: .whitespacesAndNewlines)))
            // One chunk more of each stream, and what the filesystem needs for itself.
            #expect(kibibytes <= (quota + 1) * 1024 + 64, "the spool had \(kibibytes) KiB")
            #expect(kibibytes > quota * 640, "nothing was ever held up")
            let resident = try mount.peakMemory()
            print(
                "memory: peak \(resident >> 20) MiB, spool \(kibibytes >> 10) of \(quota) MiB, for a stream of \(length) MiB"
            )
            #expect(resident < 64 << 20)
        }

        @Test(
            "Several streams share one quota, each many times its share, and all arrive whole", .timeLimit(.minutes(3)))
        func severalStreams() throws {
            let scene = try Scene()
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            proxy.setRate(bytesPerSecond: 60_000_000)
            let mount = try scene.mount(proxy.port, ["--spool-limit", "24MiB"])
            for name in ["a", "b", "c"] { try scene.randomFile(name, mebibytes: 80) }
            try Shell.must(
                "printf '%s\\n' a b c | xargs -P 3 -I {} cp \(scene.source)/{} \(mount.mountpoint)/",
                within: 120)
            try mount.waitForAll()
            try Shell.must("for f in a b c; do cmp \(scene.source)/$f \(server.directory)/$f || exit 1; done")
        }

        @Test("df tells the quota and what is free of it; what is published is free", .timeLimit(.minutes(1)))
        func df() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil, ["--spool-limit", "64MiB"])
            // Blocks, those of them that are free, and how many bytes each has.
            func room() throws -> [Int] {
                try Shell.must("stat -f -c '%b %a %S' \(mount.mountpoint)").split(whereSeparator: \.isWhitespace)
                    .compactMap { Int($0) }
            }
            let empty = try room()
            #expect(empty[0] * empty[2] == 64 << 20)
            #expect(empty[1] == empty[0])
            try Shell.must("head -c 8M /dev/urandom > \(mount.path("a.part"))")
            let held = try room()
            #expect((held[0] - held[1]) * held[2] >= 8 << 20)
            try Shell.must("mv \(mount.path("a.part")) \(mount.path("a"))")
            try mount.wait(for: "a")
            let published = try room()
            #expect((published[0] - published[1]) * published[2] < 1 << 20)
        }

        @Test(
            "With nothing to give away a writer is held up, can be interrupted, and gets ENOSPC in the end; ls and cat go on",
            .timeLimit(.minutes(2)))
        func full() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil, ["--spool-limit", "16MiB", "--spool-wait", "6s"])
            // Nothing of it can leave as long as nothing is sent.
            #expect(try Binary.run("pause", mount.mountpoint).0 == 0)
            try Shell.must("head -c 15M /dev/urandom > \(mount.path("first"))")
            let writer = try Program(
                "/bin/bash", ["-c", "exec head -c 20M /dev/zero > \(mount.path("second"))"])
            defer { writer.end(within: 2) }
            #expect(writer.waitForEnd(within: 2) == nil, "it was not held up")
            for command in [
                "ls \(mount.mountpoint)", "cat \(mount.path(".uploadfs/status"))", "df \(mount.mountpoint)",
            ] {
                try Shell.must(command, within: 3)
            }
            let told = try mount.status("status")
            #expect(told.contains(" of 17 MB, full: 1 held up until there is room"), "\(told)")
            // A signal gets through at once.
            let second = try Program(
                "/bin/bash", ["-c", "exec head -c 20M /dev/zero > \(mount.path("third"))"])
            defer { second.end(within: 2) }
            #expect(second.waitForEnd(within: 1) == nil)
            second.signal(SIGTERM)
            #expect(second.waitForEnd(within: 2) != nil, "a writer that waits for room can't be killed")
            #expect(writer.waitForEnd(within: 20) == 1)
            #expect(writer.finalOutput().contains("No space left on device"))
            let status = try Shell.must("cat \(mount.path(".uploadfs/detail/second"))")
            #expect(status.contains("spool-full") && status.contains("--spool-limit"), "\(status)")
        }
    }
}
