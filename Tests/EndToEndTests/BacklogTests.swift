import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// P4 for the queue: a long history and a long queue cost a mount little.
    @Suite struct BacklogTests {
        private static let waiting = 10_000
        /// `UPLOADFS_BACKLOG=COUNT` measures another one.
        private static let longQueue =
            ProcessInfo.processInfo.environment["UPLOADFS_BACKLOG"].flatMap { Int($0) } ?? 60_000
        private static let finished = 100_000

        /// A state directory with files that wait to be uploaded, and such that were.
        private func makeState(
            _ scene: Scene, _ name: String, finished: Int, waiting: Int = Self.waiting
        ) throws -> String {
            let state = scene.directory.file(name)
            // Makes the journal's tables.
            let mount = try mounted(scene, state)
            #expect(try Binary.run("unmount", mount.mountpoint).code == 0)
            let script = #"""
                import os, sqlite3, sys, time
                state, waiting, finished = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
                now = time.time_ns()
                base = sqlite3.connect(state + "/journal.sqlite")
                def node(number, name, published):
                    return (number, 1, name, 1, 0o644, os.getuid(), os.getgid(), now, now, now, 1, number, published)
                def upload(number, phase):
                    done = phase == "done"
                    return (number, number, phase, 1, "equal", 1 << 20, "text/plain", now, now, now if done else None, 0,
                        "http://127.0.0.1:1/files/done-%d" % number if done else None, 1 if done else None,
                        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:" if done else None, now if done else None,
                        now, 0 if done else 1)
                with base:
                    for numbers, phase, name in [
                        (range(1000, 1000 + finished), "done", "done-%d"),
                        (range(1000000, 1000000 + waiting), "queued", "waiting-%d")]:
                        done = int(phase == "done")
                        base.executemany("INSERT INTO node (file, parent, name, kind, mode, uid, gid, atime, mtime, ctime, size,"
                            " version, published) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                            (node(number, name % number, done) for number in numbers))
                        base.executemany("INSERT INTO upload (version, file, phase, closed_size, schedule_kind, schedule_size,"
                            " content_type, created, closed, finished, retries, receipt_url, receipt_size, receipt_digest,"
                            " published_at, durable, spooled) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                            (upload(number, phase) for number in numbers))
                    base.execute("UPDATE counter SET highest_file = 2000000, highest_version = 2000000,"
                        " finished_files = ?, finished_bytes = ?", (finished, finished))
                for number in range(1000000, 1000000 + waiting):
                    with open("%s/spool/%d" % (state, number), "wb") as file: file.write(b"x")
                """#
            try Shell.must(
                "python3 -c \(Shell.quoted(script)) \(Shell.quoted(state)) \(waiting) \(finished)", within: 600)
            return state
        }

        /// Nobody is there who could take anything.
        private func mounted(_ scene: Scene, _ state: String, _ options: [String] = []) throws -> Mounted {
            try Mounted(
                "http://127.0.0.1:9", at: scene.directory.file("mount"), state: state,
                options: ["--offline"] + options, in: scene.directory)
        }

        /// Mounts such a state directory, and looks at all of it.
        /// - Returns: bytes of memory.
        private func measure(_ scene: Scene, finished: Int, waiting: Int) throws -> Int {
            let state = try makeState(scene, "state-\(finished)-\(waiting)", finished: finished, waiting: waiting)
            let began = ContinuousClock.now
            let mount = try mounted(scene, state)
            let mounting = began.duration(to: .now)
            let asked = ContinuousClock.now
            let status = try mount.status("status")
            let answering = asked.duration(to: .now)
            #expect(status.contains("done \(finished) ") && status.contains(" \(waiting - 100) more."), "\(status)")
            // All of them are looked at once, so that what is kept of them is in memory.
            #expect(
                try Shell.must("ls -U \(mount.mountpoint) | wc -l", within: 60).contains("\(finished + waiting)"))
            let size = try mount.residentMemory()
            print(
                "backlog: \(finished) finished and \(waiting) waiting: mounted in \(mounting), status in \(answering), \(size >> 20) MiB resident"
            )
            #expect(try Binary.run("unmount", mount.mountpoint).code == 0)
            return size
        }

        @Test(
            "Files that wait, and such that were published, are taken up, and more of them cost less than 200 bytes each",
            .timeLimit(.minutes(5)))
        func taken() throws {
            let scene = try Scene()
            let size = try measure(scene, finished: 0, waiting: Self.waiting)
            let finished = try measure(scene, finished: Self.finished, waiting: Self.waiting) - size
            #expect(finished < 200 * Self.finished, "\(finished)")
            let waiting = try measure(scene, finished: 0, waiting: Self.longQueue) - size
            #expect(waiting < 200 * (Self.longQueue - Self.waiting), "\(waiting)")
        }

        @Test("Finished ones beyond --keep-finished-count are forgotten, their files stay", .timeLimit(.minutes(2)))
        func pruned() throws {
            let scene = try Scene()
            let state = try makeState(scene, "state", finished: 3000)
            let mount = try mounted(scene, state, ["--keep-finished-count", "1000"])
            try Shell.must(
                "until test \"$(sqlite3 \(state)/journal.sqlite \"SELECT COUNT(*) FROM upload WHERE phase = 'done'\")\" = 1000; do :; done",
                within: 30)
            #expect(try Shell.must("ls -U \(mount.mountpoint) | wc -l").contains("\(3000 + Self.waiting)"))
            #expect(try mount.status("status").contains("done 3000 "))
        }
    }
}
