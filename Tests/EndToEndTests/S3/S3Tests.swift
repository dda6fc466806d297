import Foundation
import Glibc
import TestSupport
import Testing

extension Scene {
    /// A mount on a bucket.
    func mount(
        _ bucket: some Bucket, by proxy: FaultProxy? = nil, _ options: [String] = [], _ name: String = "",
        limit: TimeInterval = 240
    ) throws -> Mounted {
        try Mounted(
            bucket.url("pre", by: proxy?.port), at: directory.file("mount" + name),
            state: directory.file("state" + name), options: options, environment: BucketKeys.environment,
            limit: limit, in: directory)
    }
}

extension EndToEnd {
    /// Issue 5: a bucket of a real object store.
    @Suite struct S3Tests {
        @Test(
            "What is written is in the bucket: small, empty, of many parts, under odd names; in as few requests as there are",
            .timeLimit(.minutes(3)))
        func arrives() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let proxy = try FaultProxy(upstreamPort: store.port)
            defer { proxy.stop() }
            let mount = try scene.mount(store, by: proxy)
            try scene.randomFile("film", mebibytes: 50)
            try scene.randomFile("part", mebibytes: 8)
            let odd = "ä +&?#%'~.txt"
            try Shell.must(
                """
                cd \(scene.source); : > empty; mkdir 'd ï'; echo odd > \(Shell.quoted("d ï/" + odd))
                cp -r . \(mount.mountpoint)/
                """)
            try mount.waitForAll()
            let listing = try store.listing()
            #expect(
                listing == [
                    "4 pre/d ï/\(odd)", "0 pre/empty", "\(50 << 20) pre/film", "\(8 << 20) pre/part",
                ])
            for name in ["film", "part", "d ï/\(odd)"] {
                try store.expect("pre/\(name)", is: "\(scene.source)/\(name)")
            }
            #expect(try mount.wait(for: "film") == "s3://bucket/pre/film")
            // N + 2 for seven parts, one for each of the others.
            func requests(_ key: String) -> [String] {
                proxy.records.filter { $0.path == "/bucket/pre/\(key)" }.map(\.method).sorted()
            }
            #expect(requests("film") == ["POST", "POST"] + Array(repeating: "PUT", count: 7))
            for key in ["part", "empty"] { #expect(requests(key) == ["PUT"]) }
        }

        @Test("Changed in place and replaced, an object is what was closed last", .timeLimit(.minutes(3)))
        func changes() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let mount = try scene.mount(store)
            let film = try scene.randomFile("film", mebibytes: 20)
            try Shell.must("cp \(film) \(mount.path("film")); cp \(film) \(mount.path("other"))")
            try mount.waitForAll()
            try Shell.must(
                """
                for f in \(film) \(mount.path("film")); do
                  printf 'patch' | dd of=$f bs=1 seek=10000000 conv=notrunc status=none; echo more >> $f
                done
                echo small > \(mount.path("other"))
                """)
            try mount.waitForAll()
            try store.expect("pre/film", is: film)
            let listing = try store.listing()
            #expect(listing == ["\((20 << 20) + 5) pre/film", "6 pre/other"])
        }

        @Test(
            "After kill -9 in mid-upload the parts that are there are listed, and none of them is sent again",
            .timeLimit(.minutes(3)))
        func resumes() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let proxy = try FaultProxy(upstreamPort: store.port)
            defer { proxy.stop() }
            let film = try scene.randomFile("film", mebibytes: 80)
            proxy.setRate(bytesPerSecond: 16_000_000)
            do {
                let mount = try scene.mount(store, by: proxy)
                try Shell.must("cp \(film) \(mount.path("film"))")
                try Shell.must(
                    "until grep -q '^[4-9][0-9]' \(mount.path(".uploadfs/progress/film")); do :; done", within: 60)
                #expect(mount.kill() == 128 + SIGKILL)
            }
            proxy.setRate(bytesPerSecond: nil)
            let mount = try scene.mount(store, by: proxy)
            try mount.wait(for: "film")
            try store.expect("pre/film", is: film)
            let sent = proxy.records.filter { $0.method == "PUT" && $0.wasAcknowledged }.map(\.query)
            #expect(Set(sent).count == 10)
            // Those that were under way when it was killed.
            #expect(sent.count <= 13)
            #expect(proxy.records.contains { $0.method == "GET" && $0.query.hasPrefix("uploadId=") })
        }

        @Test(
            "A file that is renamed while it is uploaded is in the bucket under its last name alone; one that is cancelled is not, nor is anything left of it",
            .timeLimit(.minutes(3)))
        func renamedAndCancelled() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let proxy = try FaultProxy(upstreamPort: store.port)
            defer { proxy.stop() }
            let film = try scene.randomFile("film", mebibytes: 24)
            // So slow that nothing is published before it is renamed or taken away, on a busy machine either.
            proxy.setRate(bytesPerSecond: 3_000_000)
            let mount = try scene.mount(store, by: proxy)
            try Shell.must(
                """
                set -e
                cd \(mount.mountpoint); cp \(film) first; cp \(film) film.part; cp \(film) gone
                until grep -q '^[1-9]' .uploadfs/progress/first && grep -q '^[1-9]' .uploadfs/progress/gone; do :; done
                mv first last; mv film.part film; rm gone
                """, within: 60)
            proxy.setRate(bytesPerSecond: nil)
            try mount.waitForAll()
            let listing = try store.listing()
            #expect(listing == ["\(24 << 20) pre/film", "\(24 << 20) pre/last"])
            for key in ["film", "last"] { try store.expect("pre/\(key)", is: film) }
            let left = store.rclone("backend list-multipart-uploads :s3:bucket")
            try Shell.must("until ! \(left) | grep -q UploadId; do :; done", within: 30)
            // Under the temporary name nothing was begun.
            #expect(!proxy.records.contains { $0.path.hasSuffix(".part") })
        }

        @Test("Through throttling, errors and lost answers all arrives", .timeLimit(.minutes(4)))
        func faults() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let proxy = try FaultProxy(upstreamPort: store.port)
            defer { proxy.stop() }
            let mount = try scene.mount(store, by: proxy, ["--stall-time", "1s"])
            proxy.setRule(
                FaultRules.random(
                    seed: 5, probability: 0.35,
                    faults: [
                        .answer(status: 503, retryAfterSeconds: 1), .answer(status: 500),
                        .reset(afterBodyBytes: 100_000),
                        .dropAnswer, .delay(.milliseconds(100)),
                    ]))
            for number in 0..<10 { try scene.randomFile("f\(number)", mebibytes: 4 + 3 * number) }
            try Shell.must("cp \(scene.source)/* \(mount.mountpoint)/")
            try mount.waitForAll(within: 180)
            proxy.setRule(FaultRules.none)
            for number in 0..<10 { try store.expect("pre/f\(number)", is: "\(scene.source)/f\(number)") }
            #expect(proxy.records.count { !$0.wasAcknowledged } > 3)
        }

        @Test("Keys may come from a program that a profile names", .timeLimit(.minutes(2)))
        func credentialProcess() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let printed = scene.directory.file("printed keys")
            try #"{"Version": 1, "AccessKeyId": "AKTEST", "SecretAccessKey": "SKTEST"}"#
                .write(toFile: printed, atomically: true, encoding: .utf8)
            let config = scene.directory.file("config")
            try "[profile job]\ncredential_process = cat '\(printed)'\n"
                .write(toFile: config, atomically: true, encoding: .utf8)
            let mount = try Mounted(
                store.url("pre"), at: scene.directory.file("mount"), state: scene.directory.file("state"),
                environment: [
                    "AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "job",
                ], in: scene.directory)
            try Shell.must("echo small > \(mount.path("file"))")
            try mount.waitForAll()
            let listing = try store.listing()
            #expect(listing == ["6 pre/file"])
        }

        @Test(
            "An object has the time and the mode of its file, and what the options say of its kind",
            .timeLimit(.minutes(2)))
        func metadata() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let proxy = try FaultProxy(upstreamPort: store.port)
            defer { proxy.stop() }
            let mount = try scene.mount(
                store, by: proxy,
                [
                    "--cache-control", "max-age=60", "--tag", "kind=test", "--object-rules",
                    "*.html cache-control=no-cache; *.bin content-type=application/x-bin",
                ])
            try scene.randomFile("film.bin", mebibytes: 12)
            try Shell.must(
                """
                cd \(scene.source); echo page > page.html; chmod 640 page.html; touch -d 2020-02-03T04:05:06Z page.html
                printf '\\211PNG\\r\\n\\032\\n and more' > picture
                touch -d 2019-01-02T03:04:05Z film.bin; chmod 604 film.bin
                cp -p page.html film.bin picture \(mount.mountpoint)/
                """)
            try mount.waitForAll()
            let page = try Self.metadata(of: "page.html", in: store)
            #expect(page["cache-control"] == "no-cache" && page["content-type"] == "text/html", "\(page)")
            // As s3fs and rclone have them.
            #expect(page["mtime"] == "2020-02-03T04:05:06Z" && page["mode"] == "\(0o100640)", "\(page)")
            let film = try Self.metadata(of: "film.bin", in: store)
            #expect(film["cache-control"] == "max-age=60" && film["content-type"] == "application/x-bin", "\(film)")
            // It may have begun before its time was given: then it is copied onto itself, once.
            #expect(proxy.records.count { $0.head["x-amz-copy-source"] == "/bucket/pre/film.bin" } <= 1)
            #expect(film["mtime"] == "2019-01-02T03:04:05Z" && film["mode"] == "\(0o100604)", "\(film)")
            // Its name says nothing.
            #expect(try Self.metadata(of: "picture", in: store)["content-type"] == "image/png")
            #expect(proxy.records.contains { $0.head["x-amz-tagging"] == "kind=test" })
        }

        private static func metadata(of key: String, in store: ObjectStore) throws -> [String: String] {
            let line = try Shell.must(store.rclone("lsjson --stat --metadata :s3:bucket/pre/\(key)"))
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["Metadata"] as? [String: String] ?? [:]
        }

        @Test(
            "A file that gets its time and mode while its parts travel has them in the end, by one copy onto itself",
            .timeLimit(.minutes(2)))
        func stampedLate() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let proxy = try FaultProxy(upstreamPort: store.port)
            defer { proxy.stop() }
            let mount = try scene.mount(store, by: proxy)
            let source = try scene.randomFile("film", mebibytes: 20)
            try Shell.must(
                """
                cd \(mount.mountpoint); exec 3> film; cat \(source) >&3
                until grep -q '^[1-9]' .uploadfs/progress/film; do :; done
                touch -d 2019-01-02T03:04:05Z film; chmod 604 film; exec 3>&-
                """, within: 60)
            try mount.wait(for: "film")
            let film = try Self.metadata(of: "film", in: store)
            #expect(film["mtime"] == "2019-01-02T03:04:05Z" && film["mode"] == "\(0o100604)", "\(film)")
            #expect(proxy.records.count { $0.head["x-amz-copy-source"] == "/bucket/pre/film" } == 1)
            try store.expect("pre/film", is: source)
        }

        @Test(
            "Wrong keys, no keys and a bucket that is not there are told before anything is mounted",
            .timeLimit(.minutes(2)))
        func refused() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            func mount(_ url: String, _ keys: [String: String]) throws -> (code: Int32, output: String) {
                try Binary.run(
                    "mount", url, scene.directory.file("mount"), "--state-dir", scene.directory.file("state"),
                    environment: keys.merging(["HOME": scene.directory.path]) { $1 })
            }
            mkdir(scene.directory.file("mount"), 0o700)
            let wrong = try mount(
                store.url(), ["AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "wrong-secret"])
            #expect(wrong.code == 77 && !wrong.output.contains("wrong-secret"), "\(wrong)")
            // This machine may be an instance with a role of its own.
            let none = try mount(store.url(), ["AWS_EC2_METADATA_DISABLED": "true"])
            #expect(none.code == 78 && none.output.contains("AWS_ACCESS_KEY_ID"), "\(none)")
            let missing = try mount(
                "s3://nowhere?endpoint=http://127.0.0.1:\(store.port)", BucketKeys.environment)
            #expect(missing.code == 78 && missing.output.contains("no such bucket"), "\(missing)")
        }
    }
}
