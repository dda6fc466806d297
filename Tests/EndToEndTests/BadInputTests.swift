import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Issue 2, 7: bad input gets a clear sentence and the right code; nothing is lost.
    @Suite struct BadInputTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let what: String
            let arguments: [String]
            let code: Int32
            let says: String
            var environment: [String: String] = [:]
            var testDescription: String { what }
        }

        @Test(
            "Commands that can't work say why and how to mend it", .timeLimit(.minutes(1)),
            arguments: [
                Case(what: "no mountpoint", arguments: ["mount"], code: 2, says: "Missing expected argument"),
                Case(
                    what: "unknown option", arguments: ["mount", "DIR", "--nonsense"], code: 2, says: "Unknown option"),
                Case(what: "no URL", arguments: ["mount", "nonsense", "DIR"], code: 2, says: "must be a URL"),
                Case(what: "unknown scheme", arguments: ["mount", "gopher://x", "DIR"], code: 2, says: "gopher"),
                Case(
                    what: "credentials in the URL", arguments: ["mount", "http://me:secret@x/", "DIR"], code: 2,
                    says: "UPLOADFS_TOKEN"),
                Case(
                    what: "name that does not resolve", arguments: ["mount", "http://no-such-host.invalid", "DIR"],
                    code: 69, says: "does not resolve"),
                Case(
                    what: "nobody listens", arguments: ["mount", "http://127.0.0.1:1", "DIR"], code: 69,
                    says: "--offline"),
                Case(what: "missing mountpoint", arguments: ["mount", "DIR/missing"], code: 78, says: "mkdir -p"),
                Case(
                    what: "mountpoint is a file", arguments: ["mount", "DIR/file"], code: 78, says: "not a directory"),
                Case(
                    what: "state in the mount", arguments: ["mount", "DIR", "--state-dir", "DIR/state"], code: 78,
                    says: "inside the mountpoint"),
                Case(
                    what: "received in the mount",
                    arguments: ["mount", "DIR", "--directory", "DIR/r", "--state-dir", "OTHER/s"], code: 78,
                    says: "inside the mountpoint"),
                Case(
                    what: "a bad size", arguments: ["mount", "DIR", "--max-file-size", "much"], code: 2, says: "8MiB"),
                Case(
                    what: "a bad duration", arguments: ["mount", "DIR", "--stall-time", "soon"], code: 2, says: "250ms"),
                Case(
                    what: "a bad number in the environment", arguments: ["mount", "DIR"], code: 78,
                    says: "UPLOADFS_CONNECTIONS", environment: ["UPLOADFS_CONNECTIONS": "many"]),
                Case(
                    what: "a missing token file", arguments: ["mount", "DIR", "--token-file", "OTHER/none"], code: 1,
                    says: "can't be read"),
                Case(
                    what: "a missing config file", arguments: ["mount", "DIR", "--config", "OTHER/none.yaml"], code: 78,
                    says: "config file"),
                Case(
                    what: "unmount what is not mounted", arguments: ["unmount", "DIR"], code: 1,
                    says: "No uploadfs is mounted"),
                Case(
                    what: "status of what is not mounted", arguments: ["status", "DIR"], code: 1,
                    says: "No uploadfs is mounted"),
                Case(
                    what: "wait for what is not mounted", arguments: ["wait", "DIR"], code: 1,
                    says: "No uploadfs is mounted"),
                Case(
                    what: "serve beyond loopback without a token",
                    arguments: ["serve", "--listen", "0.0.0.0:0", "--directory", "OTHER/r"], code: 78,
                    says: "needs a token"),
                Case(
                    what: "serve on a bad address",
                    arguments: ["serve", "--listen", "nowhere", "--directory", "OTHER/r"], code: 2, says: "ADDRESS:PORT"
                ),
                Case(
                    what: "serve on a file",
                    arguments: ["serve", "--listen", "127.0.0.1:0", "--directory", "DIR/file"], code: 78,
                    says: "--directory"),
            ])
        func commands(_ row: Case) throws {
            let directory = try TemporaryDirectory()
            let other = try TemporaryDirectory()
            try Shell.must("touch \(directory.file("file"))")
            let arguments = row.arguments.map {
                $0.replacingOccurrences(of: "DIR", with: directory.path).replacingOccurrences(
                    of: "OTHER", with: other.path)
            }
            let program = try Program(
                Binary.path, arguments,
                environment: row.environment.merging([
                    "XDG_STATE_HOME": other.file("state"), "XDG_DATA_HOME": other.file("data"),
                ]) { $1 })
            defer {
                program.end(within: 5)
                umount2(directory.path, Int32(MNT_DETACH))
            }
            let code = program.waitForEnd(within: 20)
            let output = program.finalOutput()
            #expect(code == row.code, "\(output)")
            #expect(output.contains(row.says), "\(output)")
            #expect(!output.contains("secret"))
        }

        @Test(
            "A wrong token is refused with 77; the right one works, from file and environment", .timeLimit(.minutes(1)))
        func tokens() throws {
            let scene = try Scene()
            let server = try scene.server(environment: ["UPLOADFS_TOKEN": "right-token"])
            let mountpoint = scene.directory.file("mount")
            try Shell.must("mkdir \(mountpoint); echo right-token > \(scene.directory.file("token"))")
            for environment in [["UPLOADFS_TOKEN": "wrong-token"], [:]] {
                let (code, output) = try Binary.run(
                    "mount", "http://127.0.0.1:\(server.port)", mountpoint, "--state-dir",
                    scene.directory.file("state"),
                    environment: environment)
                #expect(code == 77 && output.contains("credentials"), "\(output)")
                #expect(!output.contains("wrong-token"))
            }
            do {
                let mount = try scene.mount(server.port, ["--token-file", scene.directory.file("token")])
                try Shell.must("echo 1 > \(mount.path("one"))")
                try mount.wait(for: "one")
            }
            let mount = try scene.mount(server.port, environment: ["UPLOADFS_TOKEN": "right-token"])
            try Shell.must("echo 2 > \(mount.path("two"))")
            try mount.wait(for: "two")
            #expect(!mount.program.output.contains("right-token"))
            #expect(
                try Shell.run("grep -r right-token \(scene.directory.file("state")) \(mount.mountpoint)/.uploadfs").code
                    != 0)
            #expect(try Shell.run("curl -sf http://127.0.0.1:\(server.port)/files/two").code == 22)
        }

        @Test(
            "The state directory and the mountpoint of a mount that runs are refused to another",
            .timeLimit(.minutes(1)))
        func inUse() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            let other = scene.directory.file("other")
            try Shell.must("mkdir \(other)")
            let (code, output) = try Binary.run(
                "mount", other, "--state-dir", scene.directory.file("state"), "--directory", scene.directory.file("r2"))
            #expect(code == 1 && output.contains("pid \(mount.program.pid)"), "\(output)")
            let (again, said) = try Binary.run(
                "mount", mount.mountpoint, "--state-dir", scene.directory.file("s2"), "--directory",
                scene.directory.file("r2"))
            #expect(again == 1 && said.contains("already"), "\(said)")
        }

        @Test("/dev/fuse missing is told, with the remedy", .timeLimit(.minutes(1)))
        func noDevice() throws {
            let scene = try Scene()
            try Shell.must("mkdir \(scene.directory.file("mount"))")
            // A mount namespace of its own, with an empty /dev.
            let (code, output) = try Shell.run(
                "unshare -m sh -c 'mount -t tmpfs none /dev && \(Binary.path) mount \(scene.directory.file("mount")) --state-dir \(scene.directory.file("state")) --directory \(scene.directory.file("r"))'"
            )
            #expect(code == 78 && output.contains("/dev/fuse is missing"), "\(output)")
        }

        @Test(
            "A file over the server's limit fails at the write with EFBIG, is not published, and says why",
            .timeLimit(.minutes(1)))
        func tooLarge() throws {
            let scene = try Scene()
            let server = try scene.server(options: ["--max-file-size", "3MiB"])
            let mount = try scene.mount(server.port)
            try scene.randomFile("big", mebibytes: 4)
            try scene.randomFile("fits", mebibytes: 3)
            let (code, output) = try Shell.run("cp \(scene.source)/big \(mount.path("big"))")
            #expect(code == 1 && output.contains("File too large"), "\(output)")
            try Shell.must("cp \(scene.source)/fits \(mount.path("fits"))")
            try mount.wait(for: "fits")
            #expect(try Shell.run("cat \(mount.path(".uploadfs/wait/big"))").code == 1)
            #expect(try mount.status("detail/big").contains("too-large"))
            #expect(!FileManager.default.fileExists(atPath: server.file("big")))
            // Nothing of it comes with the next mount either, and it can be thrown away.
            try Shell.must("rm \(mount.path("big"))")
            try Shell.must("until grep -q 'all is uploaded' \(mount.path(".uploadfs/status")); do :; done", within: 10)
        }

        @Test("Odd names arrive as they are; names that are no UTF-8 are refused with EILSEQ", .timeLimit(.minutes(1)))
        func oddNames() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port)
            let names = [
                "new\nline", "quote\"'`$(x)", "..hidden", "...", "a%2Fb", "%2e%2e", "sp ace", "plus+&?#", "\u{1F600}",
                "tab\t", "back\\slash", "-rf", "~", "e\u{301}", "\u{E9}", String(repeating: "x", count: 255),
            ]
            for name in names {
                #expect(FileManager.default.createFile(atPath: mount.path(name), contents: Data(name.utf8)), "\(name)")
            }
            try mount.waitForAll()
            for name in names where name != "~" {
                #expect(FileManager.default.contents(atPath: server.file(name)) == Data(name.utf8), "\(name)")
            }
            let (code, output) = try Shell.run("cd \(mount.mountpoint) && echo x > $'bad\\xff\\xfename'")
            #expect(code != 0 && output.contains("Invalid or incomplete multibyte"), "\(output)")
            let (long, said) = try Shell.run("cd \(mount.mountpoint) && touch \(String(repeating: "y", count: 256))")
            #expect(long != 0 && said.contains("File name too long"), "\(said)")
            // Nothing has left the server's directory.
            #expect(try Shell.must("ls -A \(scene.directory.path) | sort") == "mount\nreceived\nsource\nstate\n")
        }
    }
}
