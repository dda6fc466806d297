import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// P1 to P3 when the power goes. The state directory lies on a disk of its own (ext4 in a file); the disk as it
    /// is at the cut, without all that its filesystem had only in memory, is what the next mount finds.
    ///
    /// `UPLOADFS_POWER_SEEDS=FIRST-LAST` runs others than the 30 of every run.
    @Suite struct PowerCutTests {
        /// A mount whose state directory lies on a disk that can be cut off.
        private struct Place {
            let scene: Scene
            let server: Server
            let options: [String]
            /// Seconds.
            let limit: TimeInterval

            var mountpoint: String { scene.directory.file("mount") }

            func mounted(_ disk: CuttableDisk) throws -> Mounted {
                try Mounted(
                    "http://127.0.0.1:\(server.port)", at: mountpoint, state: disk.place + "/state",
                    options: ["--settling-time", "20ms"] + options, limit: limit)
            }

            func end(_ mount: Mounted) {
                _ = mount.kill()
                umount2(mountpoint, Int32(MNT_DETACH))
            }

            /// - Parameter work: done in the first mount, before the power goes.
            /// - Returns: what the next run of the machine finds.
            func untilCut(_ work: (Mounted, CuttableDisk) throws -> Void) throws -> CuttableDisk {
                let disk = try CuttableDisk(scene, "before")
                defer { disk.unmount() }
                let mount = try mounted(disk)
                defer { end(mount) }
                try work(mount, disk)
                end(mount)
                let after = try disk.cut(scene, "after")
                try after.rebooted()
                return after
            }
        }

        @Test(
            "After the power went what was durable is there, nothing is torn, and nothing older replaces a newer",
            .timeLimit(.minutes(60)), arguments: Seeds.range("UPLOADFS_POWER_SEEDS", default: 1...30))
        func cut(seed: Int) throws {
            let scene = try Scene()
            let server = try scene.server()
            var numbers = CrashTests.Numbers(seed)
            let closesDurably = numbers.next(2) == 0
            let options =
                ["--log-level", "notice"]
                + (closesDurably ? ["--durable-close"] : [])
                + (numbers.next(3) == 0 ? ["--spool-limit", "16MiB"] : [])
            let place = Place(scene: scene, server: server, options: options, limit: 120)
            let mountpoint = place.mountpoint
            let manifest = scene.directory.file("manifest")
            let atCut = scene.directory.file("at-cut")
            let after = try place.untilCut { mount, _ in
                let writers = try Program(
                    "python3", ["-c", CrashWriters.script, "write", mountpoint + "/s", manifest, "\(seed)"])
                defer { writers.end(within: 5) }
                _ = try writers.line(with: "writing")
                _ = writers.waitForEnd(within: 0.3 + Double(numbers.next(2500)) / 1000)
                place.end(mount)
                try Shell.must("cp -r \(server.file("s")) \(atCut) 2>/dev/null || mkdir \(atCut)")
            }
            defer { after.unmount() }
            let mount = try place.mounted(after)
            defer { place.end(mount) }
            // Ends with 1 for files that are interrupted, which is right.
            let (_, said) = try Binary.run("wait", mountpoint, "--timeout", "60s", within: 90)
            let checker = try Program(
                "python3",
                [
                    "-c", PowerChecker.script, server.file("s"), atCut, mountpoint + "/s", manifest,
                    closesDurably ? "durable" : "not",
                ])
            defer { checker.end(within: 5) }
            let code = checker.waitForEnd(within: 60)
            let found = checker.finalOutput()
            #expect(code == 0, "seed \(seed): \(found)\n\(said)\n\(mount.program.output.suffix(3000))")
            print("power: seed \(seed)\(closesDurably ? ", durable closes" : ""): \(found)", terminator: "")
        }

        /// What replaces a file, and how; the file is closed, on the disk, and not published yet.
        struct Replacement: CustomTestStringConvertible {
            let testDescription: String
            /// Before uploads go on: in the shell, in the mount.
            var before = ":"
            /// After the first one is published.
            var after = ":"
        }

        @Test(
            "What the journal has only in memory of a published file's successor can't bring the older one back over it",
            .timeLimit(.minutes(1)),
            arguments: [
                Replacement(testDescription: "written anew when it is published", after: "echo newer > a"),
                Replacement(testDescription: "renamed over", before: "echo newer > a.part; mv a.part a"),
                Replacement(testDescription: "unlinked and made again", before: "rm a; echo newer > a"),
            ])
        func nothingOlder(_ replacement: Replacement) throws {
            let scene = try Scene()
            let server = try scene.server()
            let place = Place(scene: scene, server: server, options: [], limit: 60)
            let mountpoint = place.mountpoint
            let after = try place.untilCut { mount, disk in
                #expect(try Binary.run("pause", mountpoint).code == 0)
                try Shell.must("echo older > \(mount.path("a"))")
                let journal = disk.place + "/state/journal.sqlite"
                try Shell.must(
                    "until test \"$(sqlite3 \(journal) 'SELECT durable = closed FROM upload')\" = 1; do :; done",
                    within: 10)
                try Shell.must("cd \(mountpoint); \(replacement.before)")
                #expect(try Binary.run("resume", mountpoint).code == 0)
                try Shell.must("until test -s \(server.file("a")); do :; done; cd \(mountpoint); \(replacement.after)")
                try Shell.must("until grep -q newer \(server.file("a")); do :; done", within: 10)
            }
            defer { after.unmount() }
            let mount = try place.mounted(after)
            defer { place.end(mount) }
            _ = try Binary.run("wait", mountpoint, "--timeout", "20s", within: 40)
            #expect(try Shell.must("cat \(server.file("a"))") == "newer\n")
        }
    }
}

/// Holds what `CrashWriters` noted against what is there after the power went.
private enum PowerChecker {
    /// `python3 -c … RECEIVED RECEIVED-AT-THE-CUT MOUNTED MANIFEST durable|not`.
    static let script = #"""
        import hashlib, json, os, sys

        def sha(content): return hashlib.sha256(content).hexdigest()

        def shas(directory):
            names = os.listdir(directory) if os.path.isdir(directory) else []
            return {name: sha(open(os.path.join(directory, name), "rb").read()) for name in names}

        received, at_cut, mounted, manifest, durability = sys.argv[1:]
        # Of each name every content that was ever to be there, in order; the last that was acknowledged.
        versions, acked, synced = {}, {}, {}
        for line in open(manifest) if os.path.exists(manifest) else []:
            entry = json.loads(line)
            name = entry["name"]
            if entry["kind"] == "begin":
                versions.setdefault(name, []).append(entry["sha"])
                synced.pop(name, None)
            if entry["kind"] == "ack": acked[name] = len(versions[name]) - 1
            # Taken away by unlink or rename: whether the disk knows is not said.
            if entry["kind"] == "gone":
                acked.pop(name, None)
                synced.pop(name, None)
            if entry["kind"] == "fsync": synced[name] = entry
        now, before = shas(received), shas(at_cut)
        problems = []
        for name, content in now.items():
            known = versions.get(name, [])
            if content not in known: problems.append("torn or uninvited: " + name); continue
            last = len(known) - 1 - known[::-1].index(content)
            if name in before and last < known.index(before[name]):
                problems.append("an older one was published over a newer: " + name)
            if durability == "durable" and last < acked.get(name, -1): problems.append("not the last durable: " + name)
        for name in before:
            if name not in now: problems.append("no longer published: " + name)
        if durability == "durable":
            problems += ["lost: " + name for name in acked if name not in now]
        for name, entry in synced.items():
            if name in now: continue
            try:
                kept = open(os.path.join(mounted, name), "rb").read(entry["size"])
            except OSError as error:
                problems.append("synced, and gone: %s %s" % (name, error)); continue
            if sha(kept) != entry["sha"]: problems.append("synced, and not kept: %s (%d)" % (name, len(kept)))
        for problem in problems: print(problem)
        print("checked %d published, %d acknowledged, %d synced" % (len(now), len(acked), len(synced)))
        sys.exit(1 if problems else 0)
        """#
}
