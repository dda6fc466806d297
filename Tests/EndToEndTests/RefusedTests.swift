import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What the destination would not take is refused at once, in words that programs show.
    @Suite struct RefusedTests {
        @Test(
            "A server's limits count in the mount: types by name and by content, and the size",
            .timeLimit(.minutes(1)), arguments: [true, false])
        func limits(isServers: Bool) throws {
            let scene = try Scene()
            let limits = ["--allow-type", "image/*,text/plain", "--max-file-size", "1MB"]
            let server = try scene.server(options: isServers ? limits : ["--max-file-size", "none"])
            let mount = try scene.mount(server.port, isServers ? [] : limits)
            func copy(_ name: String, _ bytes: String) throws -> String {
                try Shell.run("\(bytes) > \(scene.source)/x; cp \(scene.source)/x \(mount.path(name))").output
            }
            #expect(try copy("a.zip", "echo zip").contains("Operation not permitted"))
            #expect(try copy("a.png", "printf '%%PDF-1.7'").contains("Operation not permitted"))
            #expect(try copy("big.txt", "head -c 2M /dev/zero").contains("File too large"))
            #expect(try copy("a.txt", "echo text") == "")
            // A browser's: refused when it gets its name.
            #expect(try copy("b.zip.part", "echo zip") == "")
            let said = try Shell.run("mv \(mount.path("b.zip.part")) \(mount.path("b.zip"))").output
            #expect(said.contains("Operation not permitted"))
            try mount.wait(for: "a.txt")
            #expect(try Shell.must("ls \(server.directory)") == "a.txt\n")
            let status = try mount.status("status")
            #expect(status.contains("a.png") && status.contains("big.txt"), "\(status)")
            #expect(try mount.status("detail/a.png").contains("type-refused"))
        }
    }
}
