import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// mv and rm of files that are published, in a bucket.
    @Suite struct MoveTests {
        /// Returns when the bucket has just these: "SIZE KEY".
        private func expect(_ store: some Bucket, has listing: [String], within limit: TimeInterval = 60) throws {
            let deadline = Date().addingTimeInterval(limit)
            var found = try store.listing()
            while found != listing {
                try #require(Date() < deadline, "\(found)")
                found = try store.listing()
            }
        }

        private func requests(_ proxy: FaultProxy, from first: Int = 0) -> [String] {
            proxy.records[first...].filter { $0.path.hasPrefix("/bucket/pre/") }
                .map { "\($0.method) \($0.path.dropFirst("/bucket/pre/".count))" }
        }

        @Test(
            "A published file that is renamed is so at once in the mount, and soon in the bucket, in as few requests as there are",
            .timeLimit(.minutes(3)))
        func renamed() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let proxy = try FaultProxy(upstreamPort: store.port)
            defer { proxy.stop() }
            let mount = try scene.mount(store, by: proxy)
            // Of one request, and of parts.
            try scene.randomFile("small", mebibytes: 1)
            try scene.randomFile("film", mebibytes: 20)
            try Shell.must(
                "mkdir \(mount.path("d")); cp \(scene.source)/small \(scene.source)/film \(mount.mountpoint)/")
            try mount.waitForAll()
            for name in ["small", "film"] {
                let first = proxy.records.count
                try Shell.must("mv \(mount.path(name)) \(mount.path("d/\(name)"))")
                #expect(access(mount.path(name), F_OK) != 0 && access(mount.path("d/\(name)"), F_OK) == 0)
                #expect(try mount.wait(for: "d/\(name)") == "s3://bucket/pre/d/\(name)")
                #expect(
                    requests(proxy, from: first) == [
                        "HEAD \(name)", "PUT d/\(name)", "HEAD d/\(name)", "HEAD \(name)", "DELETE \(name)",
                    ])
                try store.expect("pre/d/\(name)", is: "\(scene.source)/\(name)")
            }
            try expect(store, has: ["\(20 << 20) pre/d/film", "\(1 << 20) pre/d/small"])
            #expect(try mount.status("status").contains("all is uploaded"))
            let sum = try Shell.must("cmp \(mount.path("d/film")) \(scene.source)/film && echo same")
            #expect(sum == "same\n")
        }

        @Test(
            "After kill -9 at any request of a move, the next mount brings it to its end, and loses nothing",
            .timeLimit(.minutes(4)),
            // First it is copied, then deleted.
            arguments: ["request.before:1", "request.after:1", "request.before:2", "request.after:2"])
        func killed(_ point: String) throws {
            let scene = try Scene()
            let store = try ObjectStore()
            try scene.randomFile("film", mebibytes: 12)
            do {
                let mount = try scene.mount(store)
                try Shell.must("cp \(scene.source)/film \(mount.path("film"))")
                try mount.waitForAll()
            }
            do {
                let mount = try Mounted(
                    store.url("pre"), at: scene.directory.file("mount"), state: scene.directory.file("state"),
                    environment: BucketKeys.environment.merging(["UPLOADFS_CRASH_POINT": point]) { $1 },
                    in: scene.directory)
                try Shell.must("mv \(mount.path("film")) \(mount.path("new"))")
                #expect(mount.program.waitForEnd(within: 60) != nil)
                _ = mount.kill()
            }
            let mount = try scene.mount(store)
            try expect(store, has: ["\(12 << 20) pre/new"])
            try store.expect("pre/new", is: "\(scene.source)/film")
            #expect(try mount.wait(for: "new") == "s3://bucket/pre/new")
            #expect(access(mount.path("film"), F_OK) != 0)
        }

        @Test(
            "Logs that are rotated, and a file that is kept as its own backup, keep their contents apart",
            .timeLimit(.minutes(3)))
        func rotation() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let mount = try scene.mount(store)
            try Shell.must("cd \(mount.mountpoint); echo one > log.1; echo zero > log")
            try mount.waitForAll()
            try Shell.must("cd \(mount.mountpoint); mv log.1 log.2; mv log log.1; echo newest > log; mv log.2 log.3")
            try mount.waitForAll()
            try expect(store, has: ["7 pre/log", "5 pre/log.1", "4 pre/log.3"])
            for (name, text) in [("log", "newest"), ("log.1", "zero"), ("log.3", "one")] {
                #expect(try Shell.must(store.rclone("cat :s3:bucket/pre/\(name)")) == text + "\n")
            }
        }

        @Test(
            "What is published is removed with --allow-delete alone, also whole trees, and is gone from the bucket then",
            .timeLimit(.minutes(3)))
        func removed() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            do {
                let mount = try scene.mount(store)
                try Shell.must(
                    "cd \(mount.mountpoint); mkdir -p d/e; echo a > a; echo b > d/b; echo c > d/e/c; echo k > k")
                try mount.waitForAll()
                let (code, output) = try Shell.run("rm \(mount.path("a")) 2>&1")
                #expect(code != 0 && output.contains("not permitted"), "\(output)")
            }
            let mount = try scene.mount(store, ["--allow-delete"])
            try Shell.must("cd \(mount.mountpoint); rm a; rm -r d; echo again > a")
            try mount.waitForAll()
            try expect(store, has: ["6 pre/a", "2 pre/k"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: mount.mountpoint).sorted() == ["a", "k"])
        }
    }
}
