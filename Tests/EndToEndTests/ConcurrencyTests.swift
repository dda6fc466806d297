import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Programs that know nothing of each other.
    @Suite struct ConcurrencyTests {
        /// `python3 storm.py DIRECTORY NUMBER SECONDS`: whatever comes to its mind, with the few names that the others
        /// have in mind as well. Ends with an error that two programs on a plain directory would not give each other.
        private static let storm = #"""
            import errno, os, random, sys, time

            directory, number, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
            os.chdir(directory)
            random = random.Random(number)
            # What others have done meanwhile; and what is published, or just then, refuses: EPERM, EXDEV, EBUSY.
            expected = {errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EINVAL,
                        errno.ELOOP, errno.EPERM, errno.EBUSY, errno.EXDEV}

            def name(): return random.choice(["", "", "a/", "b/", "a/b/"]) + "f%d" % random.randrange(8)
            def folder(): return random.choice(["a", "b", "a/b", "a/f1"])
            def data(): return bytes([64 + number]) * random.choice([0, 1, 100, 5000, 70000, 1500000])

            def write():
                with open(name(), random.choice(["wb", "wb", "r+b", "ab", "xb"])) as file:
                    file.write(data())
                    if random.random() < 0.2:
                        file.seek(random.randrange(10000))
                        file.write(data())
                    if random.random() < 0.1: os.fsync(file.fileno())

            def read():
                with open(name(), "rb") as file: file.read()

            def part():
                temporary = name() + ".part"
                with open(temporary, "wb") as file: file.write(data())
                os.rename(temporary, name())

            def unlinked():
                with open("own%d" % number, "w+b") as file:
                    first, last = data(), data()
                    file.write(first)
                    os.unlink(file.name)
                    file.write(last)
                    file.seek(0)
                    assert file.read() == first + last

            def attributes():
                path = name()
                random.choice([lambda: os.chmod(path, 0o600), lambda: os.utime(path), lambda: os.stat(path),
                               lambda: os.setxattr(path, "user.x", b"y"), lambda: os.listxattr(path)])()

            def status():
                with open(".uploadfs/" + random.choice(["status", "status.json", "metrics"])) as file: file.read()

            def rename(): os.rename(name(), name())
            def unlink(): os.unlink(name())
            def cut(): os.truncate(name(), random.choice([0, 1, 3000, 100000]))
            def link(): os.symlink("f1", name())
            def further(): os.link(name(), name(), follow_symlinks=False)
            def make(): os.mkdir(folder())
            def remove(): os.rmdir(folder())
            def move(): os.rename(folder(), folder())
            def listing(): list(os.walk("."))

            acts = [write] * 6 + [read, unlink, rename, make, attributes] * 2 + [part, cut] * 3 + [
                unlinked, listing, status, remove, move, link, further, further]
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    random.choice(acts)()
                except OSError as error:
                    if error.errno not in expected: raise
            """#

        @Test("Eight programs at the same names at once: no call fails or hangs, and what stays is published as it is")
        func storm() throws {
            let seconds = ProcessInfo.processInfo.environment["UPLOADFS_STORM_SECONDS"].flatMap(Double.init) ?? 15
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port, limit: seconds + 180)
            let script = scene.directory.file("storm.py")
            try Self.storm.write(toFile: script, atomically: true, encoding: .utf8)
            let workers = try (1...8).map {
                try Program("/usr/bin/env", ["python3", script, mount.mountpoint, "\($0)", "\(seconds)"])
            }
            defer { for worker in workers { worker.end(within: 1) } }
            for worker in workers {
                let code = try #require(worker.waitForEnd(within: seconds + 60), "still running")
                #expect(code == 0, "\(worker.finalOutput())")
            }
            // Renames that were refused have left them.
            try Shell.must("find \(mount.mountpoint) -name '*.part' -delete")
            try mount.waitForAll()
            let files = try Shell.must("cd \(mount.mountpoint) && find . -path ./.uploadfs -prune -o -type f -print")
            for file in files.split(separator: "\n") {
                let name = String(file.dropFirst(2))
                try Shell.must("cmp \(mount.path(name)) \(server.file(name))")
            }
            let troubles = mount.program.output.split(separator: "\n").filter {
                $0.contains(" warning ") || $0.contains(" error ") || $0.contains("WARNING: ThreadSanitizer")
            }
            #expect(troubles.isEmpty, "\(troubles.prefix(10).joined(separator: "\n"))")
            // The kernel has forgotten what was unlinked, and so has the mount.
            let held = "grep '^uploadfs_inodes_held ' \(mount.path(".uploadfs/metrics"))"
            #expect(try #require(Int(try Shell.must(held).split(separator: " ")[1].dropLast())) < 200)
            // And of all others nothing but the root is left when it is made to forget them.
            try Shell.must(
                "echo 2 > /proc/sys/vm/drop_caches; until test \"$(\(held))\" = 'uploadfs_inodes_held 1'; do :; done",
                within: 20)
        }
    }
}
