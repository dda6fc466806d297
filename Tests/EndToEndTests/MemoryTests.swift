import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Issue 2, 6. Promise P4: memory grows neither with the size of a file nor with the queue.
    @Suite struct MemoryTests {
        private static let mebibyte = 1 << 20

        @Test(
            "Peak memory stays under 64 MiB while 2 GiB go up, and within 16 MiB of that with 1,000 files queued",
            .timeLimit(.minutes(6)))
        func peak() throws {
            let scene = try Scene()
            let mount = try scene.mount(nil)
            try Shell.must("dd if=/dev/zero of=\(mount.path("big")) bs=1M count=2048", within: 240)
            try mount.wait(for: "big", within: 240)
            let big = try mount.peakMemory()
            print("memory: peak \(big / Self.mebibyte) MiB after a file of 2 GiB")
            #expect(big < 64 * Self.mebibyte)
            // So that they really stand in the queue.
            #expect(try Binary.run("pause", mount.mountpoint).code == 0)
            try Shell.must(
                "mkdir \(scene.source)/many; cd \(scene.source)/many; for n in $(seq 1000); do echo $n > f$n; done; cp -r . \(mount.path("many"))"
            )
            try Shell.must("until grep -q 'queued 1000' \(mount.path(".uploadfs/status")); do :; done", within: 30)
            let many = try mount.peakMemory()
            print("memory: peak \(many / Self.mebibyte) MiB after 1,000 files more")
            #expect(many - big < 16 * Self.mebibyte)
            #expect(try Binary.run("resume", mount.mountpoint).code == 0)
            try mount.waitForAll()
        }
    }
}
