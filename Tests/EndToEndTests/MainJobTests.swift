import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Issue 2, 1 and 2: what is copied in arrives, while it is still being copied.
    @Suite struct MainJobTests {
        @Test("cp of a 1 GiB file arrives: what the server serves has the source's digest", .timeLimit(.minutes(5)))
        func bigFile() throws {
            let scene = try Scene()
            try scene.randomFile("big", mebibytes: 1024)
            let mount = try scene.mount(nil)
            try Shell.must("cp \(scene.source)/big \(mount.path("big"))")
            let url = try mount.wait(for: "big")
            let served = try Shell.must("curl -sf \(Shell.quoted(url)) | sha256sum")
            #expect(try Shell.must("sha256sum < \(scene.source)/big") == served)
            #expect(try mount.status("progress/big").hasPrefix("100.0% 1073741824/1073741824 B"))
        }

        @Test("cp -r of a tree of 1,000 small files arrives, every one", .timeLimit(.minutes(5)))
        func manySmallFiles() throws {
            let scene = try Scene()
            try Shell.must(
                """
                cd \(scene.source); mkdir tree; cd tree
                for d in 0 1 2 3 4 5 6 7 8 9; do
                  mkdir -p "dir $d/deeper/yet"
                  for f in $(seq 100); do echo "$d $f" > "dir $d/deeper/yet/file $f.txt"; head -c $((f * 37)) /dev/urandom >> "dir $d/deeper/yet/file $f.txt"; done
                done
                """)
            let mount = try scene.mount(nil)
            try Shell.must("cp -r \(scene.source)/tree \(mount.mountpoint)/")
            try mount.waitForAll()
            #expect(
                try Shell.must(
                    "cd \(scene.directory.path); diff -r source/tree received/tree && find received/tree -type f | wc -l"
                ) == "1000\n")
            // And over HTTP, for each file.
            let url = try mount.wait(for: "tree/dir 0/deeper/yet/file 1.txt").replacingOccurrences(
                of: "/tree/dir%200/deeper/yet/file%201.txt", with: "")
            try Shell.must(
                """
                cd \(scene.source) && find tree -type f | while read -r f; do
                  printf 'url = "\(url)/%s"\\noutput = "\(scene.directory.path)/served/%s"\\n' "${f// /%20}" "$f"
                done > ../list && curl -sf --create-dirs -K ../list && diff -r tree ../served/tree
                """)
        }

        @Test(
            "Chunks arrive long before close: a file written at 50 MiB/s is done within 1 s after it",
            .timeLimit(.minutes(3)))
        func streaming() throws {
            let scene = try Scene()
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            let mount = try scene.mount(proxy.port)
            let mebibytes = 1024
            let block = [UInt8]((0..<(1 << 20)).map { _ in UInt8.random(in: 0...255) })
            let file = try #require(FileHandle(forWritingTo: mount.path("recording")))
            let clock = ContinuousClock()
            let began = clock.now
            for number in 0..<mebibytes {
                // A recorder's pace: 50 blocks a second.
                let due = began + .milliseconds(20 * number)
                if due > clock.now { Thread.sleep(forTimeInterval: (due - clock.now) / .seconds(1)) }
                try file.write(contentsOf: block)
            }
            let before = proxy.records.count { $0.path == "/upload/chunk" && $0.wasAcknowledged }
            let closing = clock.now
            try file.close()
            try mount.wait(for: "recording")
            let tail = clock.now - closing
            print("streaming: \(before) of \(mebibytes) chunks before close, done \(tail) after it")
            #expect(before >= mebibytes * 95 / 100)
            #expect(tail < .seconds(1))
            #expect(
                try FileManager.default.attributesOfItem(atPath: server.file("recording"))[.size] as? Int == mebibytes
                    << 20)
        }
    }
}

extension FileHandle {
    /// Made anew, O_WRONLY.
    fileprivate convenience init?(forWritingTo path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        self.init(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}
