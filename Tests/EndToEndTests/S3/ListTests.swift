import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `--list`: what others put into the bucket is seen through the mount.
    @Suite struct ListTests {
        private static let options = ["--list", "--list-refresh", "1s", "--settling-time", "20ms"]

        /// Waits until a line of bash holds: what others do is seen with the next listing.
        private func soon(_ line: String, within limit: TimeInterval = 20) throws {
            try Shell.must("until \(line); do :; done", within: limit)
        }

        private func put(_ store: ObjectStore, _ key: String, _ text: String) throws {
            try Shell.must(
                "printf %s \(Shell.quoted(text)) | \(store.rclone("rcat \(Shell.quoted(":s3:bucket/\(key)"))")) 2>&1")
        }

        @Test(
            "What a second client put there is seen by ls, find and stat, also under odd names; what it removes goes",
            .timeLimit(.minutes(3)))
        func seen() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let odd = "ä +&?#%'~.txt"
            for (key, text) in [
                ("pre/top", "four"), ("pre/d/e/deep", "12345"), ("pre/d/\(odd)", "odd"), ("other/no", "x"),
            ] { try put(store, key, text) }
            let mount = try scene.mount(store, Self.options)
            #expect(try Shell.must("stat -c '%s %F' \(mount.path("d/e/deep"))") == "5 regular file\n")
            let found = try Shell.must("cd \(mount.mountpoint) && find . -type f | LC_ALL=C sort")
            #expect(found == "./d/e/deep\n./d/\(odd)\n./top\n")
            #expect(try Shell.must("ls -R \(mount.mountpoint) | grep -c .") == "8\n", "five names, three headings")
            #expect(try Shell.run("stat \(mount.path("no"))").code != 0)
            // The time is that of the object.
            #expect(try Shell.must("find \(mount.mountpoint) -type f -mmin -10 | wc -l") == "3\n")
            try put(store, "pre/top", "replaced")
            try put(store, "pre/d/new", "x")
            try Shell.must("\(store.rclone("deletefile :s3:bucket/pre/d/e/deep")) 2>&1")
            try soon("test \"$(stat -c %s \(mount.path("top")))\" = 8")
            try soon("test -e \(mount.path("d/new"))")
            try soon("! ls \(mount.path("d/e/deep")) 2> /dev/null")
            #expect(try mount.status("status").contains("Nothing is waiting"))
        }

        @Test("Two mounts of one bucket see each other's files, and their own before those", .timeLimit(.minutes(3)))
        func shared() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            let mounts = try ["1", "2"].map { try scene.mount(store, Self.options, $0) }
            try Shell.must(
                "mkdir \(mounts[0].path("d")); for n in $(seq 20); do echo $n > \(mounts[0].path("d"))/f$n; done")
            try mounts[0].waitForAll()
            try soon("test \"$(ls \(mounts[1].path("d")) 2> /dev/null | wc -l)\" = 20")
            try Shell.must("echo two and more > \(mounts[1].path("d/f2")); echo new > \(mounts[1].path("d/new"))")
            #expect(try Shell.must("cat \(mounts[1].path("d/f2"))") == "two and more\n")
            try mounts[1].waitForAll()
            try soon("test \"$(stat -c %s \(mounts[0].path("d/f2")))\" = 13")
            try soon("test -e \(mounts[0].path("d/new"))")
            // What is its own it reads from its spool, whatever is listed meanwhile.
            for number in 0..<20 { #expect(try Shell.must("cat \(mounts[0].path("d/f7"))") == "7\n", "\(number)") }
            // And is there at once when it is mounted again, with nobody there to be asked.
            let (code, said) = try Binary.run("unmount", mounts[0].mountpoint)
            #expect(code == 0, "\(said) \(mounts[0].program.output.suffix(6000))")
            let again = try scene.mount(store, ["--list", "--list-refresh", "1d"], "1")
            #expect(try Shell.must("ls \(again.path("d")) | wc -l") == "21\n")
        }

        @Test(
            "With the server stopped ls answers with what is known, after five seconds at most", .timeLimit(.minutes(3))
        )
        func dead() throws {
            let scene = try Scene()
            let store = try ObjectStore()
            try put(store, "pre/known", "x")
            try put(store, "pre/d/unknown", "x")
            let proxy = try FaultProxy(upstreamPort: store.port)
            defer { proxy.stop() }
            let mount = try scene.mount(store, by: proxy, Self.options)
            #expect(try Shell.must("ls \(mount.mountpoint)") == "d\nknown\n")
            proxy.stop()
            let began = ContinuousClock.now
            #expect(try Shell.must("ls \(mount.mountpoint)") == "d\nknown\n")
            #expect(try Shell.must("ls \(mount.path("d"))") == "")
            #expect(began.duration(to: .now) < .seconds(8))
            try soon("grep -q 'NOT LISTED' \(mount.path(".uploadfs/status"))")
            #expect(try Shell.must("echo x > \(mount.path("new")); ls \(mount.mountpoint)") == "d\nknown\nnew\n")
        }

        @Test("Where nobody tells what lies there, --list is refused", .timeLimit(.minutes(1)))
        func refused() throws {
            let scene = try Scene()
            let server = try scene.server()
            mkdir(scene.directory.file("mount"), 0o700)
            for destination in [["http://127.0.0.1:\(server.port)"], []] {
                let arguments =
                    ["mount"] + destination + [scene.directory.file("mount")]
                    + ["--state-dir", scene.directory.file("state"), "--directory", scene.directory.file("own")]
                    + ["--list"]
                let program = try Program(Binary.path, arguments)
                defer { program.end(within: 1) }
                #expect(program.waitForEnd(within: 30) == 78, "\(program.output)")
                #expect(program.finalOutput().contains("--list"))
            }
        }
    }
}
