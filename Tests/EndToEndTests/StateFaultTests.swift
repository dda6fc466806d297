import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// A state directory that something happened to: a sentence with a remedy, and nothing lost.
    @Suite struct StateFaultTests {
        /// A mount with one file published and one held, ended.
        private func scene() throws -> Scene {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            try Shell.must("echo text > \(mount.path("a")); echo kept > \(mount.path("b.part"))")
            try mount.wait(for: "a")
            mount.program.signal(SIGTERM)
            #expect(mount.program.waitForEnd(within: 8) == 0)
            return scene
        }

        private func mount(_ scene: Scene) throws -> (code: Int32, output: String) {
            try Binary.run(
                "mount", scene.directory.file("mount"), "--state-dir", scene.directory.file("state"), "--directory",
                scene.directory.file("received"))
        }

        @Test(
            "A journal that is damaged or from a newer version is refused with what mends it",
            .timeLimit(.minutes(1)),
            arguments: [
                ("printf 'this is no database, and was one' | dd of=$S/journal.sqlite conv=notrunc", "Move it away"),
                (
                    "python3 -c 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); "
                        + "c.execute(\"insert into grdb_migrations values (\\\"99: later\\\")\"); c.commit()' $S/journal.sqlite",
                    "newer uploadfs"
                ),
            ])
        func refused(_ damage: String, _ remedy: String) throws {
            let scene = try scene()
            try Shell.must("S=\(scene.directory.file("state")); \(damage)")
            let (code, said) = try mount(scene)
            #expect(code == 78)
            #expect(said.contains(remedy), "\(said)")
        }

        @Test(
            "Without its journal, the spool's files are set aside, not deleted and not written over",
            .timeLimit(.minutes(1)))
        func journalGone() throws {
            let scene = try scene()
            let state = scene.directory.file("state")
            try Shell.must("rm \(state)/journal.sqlite*")
            let mount = try scene.mount(nil)
            try Shell.must("echo new > \(mount.path("new"))")
            try mount.wait(for: "new")
            #expect(mount.program.output.contains("spool.lost-"))
            #expect(try Shell.must("sort \(state)/spool.lost-*/*") == "kept\ntext\n")
        }

        @Test(
            "A spool file that is missing or cut is a failure of its file, with a remedy; the others go on",
            .timeLimit(.minutes(1)))
        func spoolDamaged() throws {
            let scene = try Scene()
            let server = try scene.server()
            do {
                let mount = try scene.mount(server.port)
                #expect(try Binary.run("pause", mount.mountpoint).0 == 0)
                for name in ["1", "2", "3"] { try Shell.must("echo text > \(mount.path(name))") }
                _ = mount.kill()
            }
            let spool = scene.directory.file("state") + "/spool"
            try Shell.must("rm \(spool)/1; truncate -s 2 \(spool)/2")
            let mount = try scene.mount(server.port)
            try mount.wait(for: "3")
            let (code, said) = try Binary.run("wait", mount.mountpoint)
            #expect(code == 1)
            #expect(said.contains("no longer in the spool") && said.contains("only 2 of its 5 bytes"), "\(said)")
            #expect(said.contains("Write the file again"))
        }

        @Test("A read-only state directory is refused", .timeLimit(.minutes(1)))
        func readOnly() throws {
            let scene = try scene()
            let state = scene.directory.file("state")
            try Shell.must("mount --bind \(state) \(state) && mount -o remount,ro,bind \(state)")
            defer { _ = try? Shell.run("umount \(state)") }
            let (code, said) = try mount(scene)
            #expect(code == 78)
            #expect(said.contains("Read-only file system") && said.contains("--state-dir"), "\(said)")
        }
    }
}
