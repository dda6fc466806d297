import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// The mount beside a plain directory: the same calls, and the same of everything that a program can see.
    ///
    /// `UPLOADFS_MODEL_SEEDS=FIRST-LAST` runs others than the 500 of every run.
    @Suite struct ModelTests {
        private static let seeds = Seeds.range("UPLOADFS_MODEL_SEEDS", default: 1...500)
        private static let length = 60

        @Test(
            "Whatever programs do, the mount answers as a plain directory, and what arrives is the same",
            .timeLimit(.minutes(120)))
        func sequences() {
            // While it is paused, nearly all of the queue is in the journal.
            compare(Self.seeds, ["--queue-in-memory", "1"]) { try $0.server() }
        }

        /// `UPLOADFS_S3_MODEL_SEEDS=FIRST-LAST` runs others than the 20 of every run.
        @Test("So it is with a bucket", .timeLimit(.minutes(120)))
        func sequencesWithBucket() {
            compare(Seeds.range("UPLOADFS_S3_MODEL_SEEDS", default: 1...20)) { _ in try ObjectStore() }
        }

        private func compare(
            _ seeds: ClosedRange<Int>, _ options: [String] = [],
            _ makeReceiver: @Sendable (Scene) throws -> some Receiver
        ) {
            let problems = Seeds.run(seeds) { queue in
                let scene = try Scene()
                let receiver = try makeReceiver(scene)
                let mount = try scene.mount(on: receiver, ["--settling-time", "20ms"] + options, limit: 7200)
                while let seed = queue.next() {
                    var sequence = ModelSequence(seed)
                    let operations = sequence.make(Self.length)
                    guard let problem = try run(operations, "s\(seed)", scene, receiver, mount) else { continue }
                    let (least, what) = try shrunk(operations, problem, seed, scene, receiver, mount)
                    queue.found("seed \(seed): \(what)\n\(least.map(\.description).joined(separator: "\n"))")
                }
            }
            #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
        }

        /// - Returns: in what the two differ; nil: in nothing.
        private func run(
            _ operations: [ModelOperation], _ name: String, _ scene: Scene, _ receiver: some Receiver, _ mount: Mounted
        ) throws -> String? {
            let plain = ModelSide(scene.directory.file("plain/" + name))
            let mounted = ModelSide(mount.path(name))
            try FileManager.default.createDirectory(atPath: plain.root, withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: mounted.root, withIntermediateDirectories: true)
            defer {
                plain.closeAll()
                mounted.closeAll()
                for side in [plain, mounted] { try? FileManager.default.removeItem(atPath: side.root) }
            }
            // What is published answers otherwise, and is told in the README.
            try tell(mount, "pause")
            for (number, operation) in operations.enumerated() {
                let before = (plain.times(), mounted.times())
                let (one, other) = (plain.perform(operation), mounted.perform(operation))
                guard one == other else { return "\(number): \(operation) gave \(other), and not \(one)" }
                if let problem = difference(plain, mounted, withContent: number % 8 == 7) {
                    return "\(number): after \(operation) \(problem)"
                }
                if let problem = timesDiffer(operation, before, (plain.times(), mounted.times())) {
                    return "\(number): after \(operation) \(problem)"
                }
            }
            plain.closeAll()
            mounted.closeAll()
            if let problem = difference(plain, mounted, withContent: true) { return "at the end \(problem)" }
            try tell(mount, "resume")
            let (code, said) = try Binary.run("wait", mount.mountpoint, "--timeout", "60s", within: 90)
            guard code == 0 else { return "at the end not all goes up: \(said)" }
            return arrived(plain, try receiver.received(name))
        }

        private func tell(_ mount: Mounted, _ command: String) throws {
            let control = open(mount.path(".uploadfs/control"), O_WRONLY)
            defer { close(control) }
            let line = command + "\n"
            try #require(line.withCString { write(control, $0, strlen($0)) } == line.utf8.count)
        }

        private func difference(_ plain: ModelSide, _ mounted: ModelSide, withContent: Bool) -> String? {
            let (wanted, found) = (plain.tree(withContent: withContent), mounted.tree(withContent: withContent))
            guard wanted != found else { return nil }
            return Set(wanted.keys).union(found.keys).sorted().filter { wanted[$0] != found[$0] }.map {
                "\($0) is \(found[$0]?.description ?? "not there"), and not \(wanted[$0]?.description ?? "there")"
            }.joined(separator: "; ")
        }

        /// What moved on the plain directory moved on the mount; what no call changes does not move. The plain one's
        /// clock is coarse: it may stand where the mount's moves.
        private func timesDiffer(
            _ operation: ModelOperation,
            _ before: ([String: (modified: Int, changed: Int)], [String: (modified: Int, changed: Int)]),
            _ after: ([String: (modified: Int, changed: Int)], [String: (modified: Int, changed: Int)])
        ) -> String? {
            // Room is no change here, nor are zeros behind the end: nothing of them travels.
            if case .fallocate = operation { return nil }
            for (name, plain) in after.0 {
                guard let was = before.0[name], let mounted = after.1[name], let mountedWas = before.1[name] else {
                    continue
                }
                if plain.modified != was.modified, mounted.modified == mountedWas.modified {
                    return "the mtime of \"\(name)\" stood still"
                }
                if plain.changed != was.changed, mounted.changed == mountedWas.changed {
                    return "the ctime of \"\(name)\" stood still"
                }
                if !operation.changesSomething, mounted != mountedWas { return "the times of \"\(name)\" moved" }
            }
            return nil
        }

        /// Directories are none at the destination, but for what lies in them.
        private func arrived(_ plain: ModelSide, _ received: String) -> String? {
            let wanted = plain.tree(withContent: true).compactMapValues(\.content)
            let found = ModelSide(received).tree(withContent: true).compactMapValues(\.content)
            return Set(wanted.keys).union(found.keys).sorted().first { wanted[$0] != found[$0] }.map {
                "at the destination \($0) is \(found[$0].map { "\($0.count) bytes" } ?? "not there"), and not \(wanted[$0].map { "\($0.count) bytes" } ?? "there")"
            }
        }

        // MARK: Shrinking

        /// As few operations as show a problem still: pieces are left out, ever smaller ones.
        private func shrunk(
            _ operations: [ModelOperation], _ problem: String, _ seed: Int, _ scene: Scene, _ receiver: some Receiver,
            _ mount: Mounted
        ) throws -> ([ModelOperation], String) {
            var least = operations
            var what = problem
            var tries = 0
            var piece = max(1, least.count / 2)
            while true {
                var start = 0
                while start < least.count {
                    var fewer = least
                    fewer.removeSubrange(start..<min(start + piece, least.count))
                    tries += 1
                    if let same = try run(fewer, "s\(seed)-\(tries)", scene, receiver, mount) {
                        (least, what) = (fewer, same)
                    } else {
                        start += piece
                    }
                }
                if piece == 1 { return (least, what) }
                piece /= 2
            }
        }
    }
}
