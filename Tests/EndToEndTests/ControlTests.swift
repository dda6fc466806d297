import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Decisions about files, by command and by `.uploadfs/control`.
    @Suite struct ControlTests {
        private func tear(_ name: String, _ mount: Mounted) throws {
            _ = try Shell.run("sh -c 'echo torn; kill -9 $$' > \(mount.path(name))")
            let (code, said) = try Binary.run("wait", mount.mountpoint, name)
            try #require(code == 1 && said.contains("was killed by signal"), "\(said)")
        }

        @Test(
            "release publishes what was interrupted, discard takes it away, and what was before comes back",
            .timeLimit(.minutes(1)))
        func decisions() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            try tear("a", mount)
            let (code, said) = try Binary.run("release", mount.mountpoint, "a")
            #expect(code == 0, "\(said)")
            try mount.wait(for: "a")
            #expect(try Shell.must("cat \(scene.directory.file("received"))/a") == "torn\n")

            try tear("b", mount)
            try Shell.must("echo 'discard b' > \(mount.path(".uploadfs/control"))")
            try Shell.must("until ! test -e \(mount.path("b")); do :; done", within: 10)

            try Shell.must("echo whole > \(mount.path("c"))")
            try mount.wait(for: "c")
            try tear("c", mount)
            #expect(try Shell.must("cat \(mount.path("c"))") == "torn\n")
            #expect(try Binary.run("discard", mount.mountpoint, "c").0 == 0)
            try Shell.must("until test \"$(cat \(mount.path("c")))\" = whole; do :; done", within: 10)
            #expect(try Shell.must("cat \(scene.directory.file("received"))/c") == "whole\n")
        }

        @Test(
            "pause keeps everything here, resume lets it go; what does not fit is refused with its reason",
            .timeLimit(.minutes(1)))
        func pause() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            #expect(try Binary.run("pause", mount.mountpoint).0 == 0)
            try Shell.must("echo text > \(mount.path("a"))")
            try Shell.must("cat \(mount.path(".uploadfs/status")) | grep -q paused")
            let (code, said) = try Binary.run("release", mount.mountpoint, "a")
            #expect(code == 1 && said.contains("does not fit"), "\(said)")
            #expect(try Binary.run("retry", mount.mountpoint, "nowhere").1.contains("no such file"))
            #expect(try Shell.run("echo nonsense > \(mount.path(".uploadfs/control"))").code == 1)
            try Shell.must("sleep 0.6; test ! -e \(scene.directory.file("received"))/a")
            #expect(try Binary.run("resume", mount.mountpoint).0 == 0)
            try mount.wait(for: "a")
            #expect(try Binary.run("cancel", mount.mountpoint, "a").1.contains("does not fit"))
        }
    }
}
