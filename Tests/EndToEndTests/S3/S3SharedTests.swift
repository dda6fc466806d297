import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// A bucket that others write into, too, and one that several machines make up.
    @Suite struct S3SharedTests {
        /// Two mounts into one place of one bucket.
        private func withTwo(_ options: [String], _ body: (Scene, ObjectStore, [Mounted]) throws -> Void) throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let mounts = try ["1", "2"].map { try scene.mount(store, ["--settling-time", "20ms"] + options, $0) }
            try body(scene, store, mounts)
        }

        /// What eight writers at each of them do at once.
        private func write(_ mounts: [Mounted], _ line: (_ mount: Int, _ writer: Int) -> String) throws {
            let lines = (0..<8).flatMap { writer in
                mounts.enumerated().map { "(cd \($1.mountpoint); \(line($0 + 1, writer))) &" }
            }
            try Shell.must(lines.joined(separator: "\n") + "\nwait")
        }

        @Test("Two mounts with eight writers each: everything arrives", .timeLimit(.minutes(3)))
        func everything() throws {
            try withTwo([]) { scene, store, mounts in
                let film = try scene.randomFile("film", mebibytes: 12)
                try write(mounts) { mount, writer in
                    "cp \(film) film-\(mount)-\(writer); for n in $(seq 10); do echo \(mount) > s-\(mount)-\(writer)-$n; done"
                }
                for mount in mounts { try mount.waitForAll() }
                let listing = try store.listing()
                #expect(listing.count == 16 * 11)
                #expect(listing.count { $0.hasPrefix("\(12 << 20) pre/film-") } == 16)
                try store.expect("pre/film-2-7", is: film)
            }
        }

        @Test("With \"fail\" one writer of a name wins, and the other is told", .timeLimit(.minutes(3)))
        func fails() throws {
            try withTwo(["--on-conflict", "fail"]) { scene, store, mounts in
                for name in ["film-1", "film-2"] { try scene.randomFile(name, mebibytes: 12) }
                try write(mounts) { mount, writer in
                    writer == 0 ? "cp \(scene.source)/film-\(mount) film" : "echo mount \(mount) > name-\(writer)"
                }
                let said = try mounts.map { try Binary.run("wait", $0.mountpoint) }
                let failures = said.map { $0.output.split(separator: "\n").count { $0.contains("has this name") } }
                #expect(failures.reduce(0, +) == 8, "\(said)")
                #expect(try store.listing().count == 8)
                let won = try ["film-1", "film-2"].filter { try store.has("pre/film", as: "\(scene.source)/\($0)") }
                #expect(won.count == 1)
                for writer in 1...7 {
                    let text = try Shell.must("\(store.rclone("cat :s3:bucket/pre/name-\(writer)"))")
                    #expect(["mount 1\n", "mount 2\n"].contains(text))
                    // Who won may write it again: it is that one's.
                    let winner = text.contains("1") ? mounts[0] : mounts[1]
                    try Shell.must("echo again >> \(winner.path("name-\(writer)"))")
                    try winner.wait(for: "name-\(writer)")
                    #expect(
                        try Shell.must("\(store.rclone("cat :s3:bucket/pre/name-\(writer)"))") == text + "again\n")
                }
            }
        }

        @Test("With \"rename\" both are kept, one beside the other", .timeLimit(.minutes(3)))
        func renames() throws {
            try withTwo(["--on-conflict", "rename"]) { scene, store, mounts in
                for name in ["film-1", "film-2"] { try scene.randomFile(name, mebibytes: 12) }
                try write(mounts) { mount, writer in
                    writer == 0
                        ? "cp \(scene.source)/film-\(mount) film.mkv" : "echo mount \(mount) > name-\(writer).txt"
                }
                for mount in mounts { try mount.waitForAll() }
                let place = try store.copy("pre")
                let names = try FileManager.default.contentsOfDirectory(atPath: place)
                #expect(names.count == 16)
                let copies = names.filter { $0.contains(" (conflict ") }
                #expect(copies.count == 8)
                #expect(copies.allSatisfy { $0.hasSuffix(").txt") || $0.hasSuffix(").mkv") }, "\(copies)")
                for number in 1...2 {
                    try Shell.must(
                        "cd \(place); for f in film*; do cmp \"$f\" \(scene.source)/film-\(number) && exit; done; exit 1"
                    )
                    let count = try Shell.must("cd \(place); grep -l 'mount \(number)' name* | wc -l")
                    #expect(count == "7\n")
                }
            }
        }

        @Test("A volume server of a cluster dies and comes back in mid-upload: all arrives", .timeLimit(.minutes(4)))
        func volumeDies() throws {
            let scene = try Scene()
            let cluster = try ObjectCluster()
            let proxy = try FaultProxy(upstreamPort: cluster.port)
            defer { proxy.stop() }
            proxy.setRate(bytesPerSecond: 12_000_000)
            let mount = try scene.mount(cluster, by: proxy, limit: 240)
            let names = try (0..<4).map { number in
                try scene.randomFile("film-\(number)", mebibytes: 24)
                return "film-\(number)"
            }
            try Shell.must("cp \(scene.source)/* \(mount.mountpoint)/")
            func uploaded(_ percent: String) throws {
                try Shell.must(
                    "until grep -q '^\(percent)' \(mount.path(".uploadfs/progress/film-3")); do :; done", within: 60)
            }
            try uploaded("[2-9][0-9]")
            // The one that has more of what is there.
            let bytes = try (0...1).map { try cluster.bytes(ofVolume: $0) }
            let number = bytes[0] > bytes[1] ? 0 : 1
            #expect(bytes[number] > 1 << 20)
            cluster.killVolume(number)
            // The other one takes what comes now, as far as it is asked to.
            try Shell.must("echo meanwhile > \(mount.path("meanwhile"))")
            _ = try Shell.run("timeout 5 cat \(mount.path(".uploadfs/wait/meanwhile"))")
            try cluster.restartVolume(number)
            proxy.setRate(bytesPerSecond: nil)
            try mount.waitForAll(within: 150)
            for name in names { try cluster.await("pre/\(name)", as: "\(scene.source)/\(name)", within: 60) }
            #expect(try Shell.must("\(cluster.rclone("cat :s3:bucket/pre/meanwhile"))") == "meanwhile\n")
        }
    }
}
