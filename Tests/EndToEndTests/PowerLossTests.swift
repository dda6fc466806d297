import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// P1 for the loss of power: what is on stable storage when fsync(2) and a durable close return, and what is
    /// believed afterwards.
    @Suite struct PowerLossTests {
        /// The system calls of a mount while `work` is done, those that bring bytes to files or disks.
        private func trace(_ scene: Scene, _ mount: Mounted, _ work: () throws -> Void) throws -> [String] {
            let file = scene.directory.file("trace")
            let tracer = try Program(
                "strace",
                [
                    "-f", "-y", "-o", file, "-e", "trace=fdatasync,fsync,pwrite64,splice,write,writev,rename,renameat2",
                    "-p",
                    "\(mount.program.pid)",
                ])
            defer { tracer.end(within: 5) }
            _ = try tracer.line(with: "attached")
            try work()
            tracer.signal(SIGINT)
            _ = tracer.waitForEnd(within: 10)
            return try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        }

        /// - Returns: where in the trace the first line is, from `start` on, that has all these words.
        private func find(_ words: String..., in lines: [String], from start: Int = 0) throws -> Int {
            try #require(
                lines.indices.first { index in index >= start && words.allSatisfy { lines[index].contains($0) } },
                "no \(words) after line \(start) of:\n\(lines.joined(separator: "\n"))")
        }

        @Test(
            "fsync brings bytes, name and journal to the disk, in this order; so does a durable close, then its row",
            .timeLimit(.minutes(2)), arguments: [["fsync"], ["close", "--durable-close"]])
        func order(_ words: [String]) throws {
            let scene = try Scene()
            let mount = try scene.mount(nil, Array(words.dropFirst()) + ["--settling-time", "30s"])
            let last = words[0] == "fsync" ? "os.fsync(f); " : ""
            let lines = try trace(scene, mount) {
                try Shell.must(
                    "python3 -c 'import os; f=os.open(\"\(mount.path("a"))\",os.O_WRONLY|os.O_CREAT); os.write(f,b\"x\"*100000); \(last)os.close(f)'"
                )
            }
            let spool = "/state/spool/1>"
            let bytes = try #require(
                lines.lastIndex { $0.contains(spool) && ($0.contains("splice(") || $0.contains("pwrite64(")) },
                "\(lines)")
            let data = try find("fdatasync(", spool, in: lines, from: bytes)
            let name = try find("fsync(", "/state/spool>", in: lines, from: data)
            var row = name
            if words[0] == "close" {
                // The row that calls it durable comes after what it speaks of.
                row = try find("pwrite64(", "journal.sqlite-wal>", in: lines, from: name)
            }
            let journal = try find("fdatasync(", "journal.sqlite-wal>", in: lines, from: row)
            // And only then the caller hears of it.
            _ = try find("/dev/fuse>", in: lines, from: journal)
        }

        @Test(
            "After a power loss what was durable goes up, and what may have lost bytes is kept, told and not published",
            .timeLimit(.minutes(1)))
        func replay() throws {
            let scene = try Scene()
            let server = try scene.server()
            let state = scene.directory.file("state")
            do {
                let mount = try scene.mount(server.port)
                #expect(try Binary.run("pause", mount.mountpoint).code == 0)
                try Shell.must("echo first > \(mount.path("1"))")
                // In the background, within a second.
                try Shell.must(
                    "until test \"$(sqlite3 \(state)/journal.sqlite 'SELECT durable = closed FROM upload')\" = 1; do :; done",
                    within: 10)
                try Shell.must("echo second > \(mount.path("2")); kill -9 \(mount.program.pid)")
                _ = mount.kill()
            }
            // What the disk never got is gone; and it is another run of the machine.
            let lost = try Shell.must(
                "sqlite3 \(state)/journal.sqlite \"SELECT version FROM upload WHERE durable IS NOT closed; "
                    + "UPDATE fact SET value = 'another' WHERE name = 'boot'\""
            ).trimmingCharacters(in: .whitespacesAndNewlines)
            try #require(lost == "2", "it was durable too soon to lose: \(lost)")
            try Shell.must("truncate -s 0 \(state)/spool/2; truncate -s 7 \(state)/spool/2")
            let mount = try scene.mount(server.port)
            try mount.wait(for: "1")
            let (code, said) = try Binary.run("wait", mount.mountpoint, "2")
            #expect(code == 1 && said.contains("went down"), "\(said)")
            #expect(try Shell.run("ls \(server.file("2"))").code != 0)
            #expect(try Shell.must("cat \(server.file("1"))") == "first\n")
        }
    }
}
