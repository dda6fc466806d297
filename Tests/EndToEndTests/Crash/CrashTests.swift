import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
    /// P1 and P2 under kill -9, at named and at random points, also during recovery. The same seed makes the same
    /// writers and the same point; threads do the rest.
    ///
    /// `UPLOADFS_CRASH_SEEDS=FIRST-LAST` runs others than the 200 of every run.
    @Suite struct CrashTests {
        /// Numbers that one seed makes. xorshift64*.
        struct Numbers {
            private var state: UInt64

            init(_ seed: Int) {
                state = (UInt64(seed) &+ 1) &* 0x9E37_79B9_7F4A_7C15
                for _ in 0..<4 { _ = next(2) }
            }

            mutating func next(_ limit: Int) -> Int {
                state ^= state >> 12
                state ^= state << 25
                state ^= state >> 27
                return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % limit
            }
        }

        /// Where a run of uploadfs ends.
        struct Plan: CustomStringConvertible {
            /// For UPLOADFS_CRASH_POINT; nil: after `delay`.
            let point: String?
            let delay: TimeInterval

            /// - Parameter range: how often the point may be passed.
            init(_ numbers: inout Numbers, upTo range: Int) {
                let names = [
                    "journal.before", "journal.after", "request.before", "request.after", "spool.before", "spool.after",
                ]
                let kind = numbers.next(names.count + 1)
                // Requests and spool files are fewer than transactions.
                let count = 1 + numbers.next(kind < 2 ? range : max(1, range / 4))
                point = kind < names.count ? "\(names[kind]):\(count)" : nil
                delay = Double(numbers.next(400)) / 1000
            }

            var environment: [String: String] { point.map { ["UPLOADFS_CRASH_POINT": $0] } ?? [:] }
            var description: String { point ?? "after \(Int(delay * 1000)) ms" }
        }

        private static let seeds = Seeds.range("UPLOADFS_CRASH_SEEDS", default: 1...200)

        @Test(
            "After kill -9 anywhere, every promise is kept, and nothing torn or uninvited is published",
            .timeLimit(.minutes(60)))
        func everywhere() {
            crash(Self.seeds) { try $0.server() }
        }

        /// Whose objects come into being in one request, or of parts that are asked for after a kill.
        ///
        /// `UPLOADFS_S3_CRASH_SEEDS=FIRST-LAST` runs others than the 20 of every run.
        @Test("So it is with a bucket", .timeLimit(.minutes(60)))
        func everywhereWithBucket() {
            crash(Seeds.range("UPLOADFS_S3_CRASH_SEEDS", default: 1...20)) { _ in try ObjectStore() }
        }

        private func crash(_ seeds: ClosedRange<Int>, _ makeReceiver: @Sendable (Scene) throws -> some Receiver) {
            let ends = Mutex<[String: Int]>([:])
            let twice = Atomic(0)
            let problems = Seeds.run(seeds) { queue in
                let scene = try Scene()
                let receiver = try makeReceiver(scene)
                let proxy = try FaultProxy(upstreamPort: receiver.port)
                defer { proxy.stop() }
                while let seed = queue.next() {
                    let before = proxy.records.count
                    let outcome = try run(seed, scene, receiver, proxy.port)
                    ends.withLock { ends in
                        for plan in outcome.plans {
                            ends[plan.prefix { $0 != ":" && !$0.isNumber }.description, default: 0] += 1
                        }
                    }
                    if let problem = outcome.problem { queue.found("seed \(seed), \(outcome.plans): \(problem)") }
                    let acknowledged = proxy.records[before...].filter(\.wasAcknowledged).compactMap(receiver.chunk)
                    let repeated = acknowledged.count - Set(acknowledged).count
                    twice.add(repeated, ordering: .relaxed)
                    // Those that were under way when it was killed, as many as there are connections.
                    if repeated > 8 * outcome.plans.count {
                        queue.found("seed \(seed): \(repeated) chunks travelled twice")
                    }
                }
            }
            #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
            let counts = ends.withLock { $0.sorted { $0.key < $1.key } }
            print("crash: seeds \(seeds), ends \(counts), \(twice.load(ordering: .relaxed)) chunks sent twice")
        }

        private func run(
            _ seed: Int, _ scene: Scene, _ receiver: some Receiver, _ port: Int
        ) throws -> (plans: [String], problem: String?) {
            var numbers = Numbers(seed)
            let state = scene.directory.file("state-\(seed)")
            let mountpoint = scene.directory.file("mount-\(seed)")
            let manifest = scene.directory.file("manifest-\(seed)")
            var plans = [Plan(&numbers, upTo: 150)]
            // It may die before it has mounted.
            if let mount = try? mounted(receiver, port, mountpoint, state, plans[0].environment) {
                let writers = try python("write", mountpoint + "/s\(seed)", manifest, "\(seed)")
                defer { writers.end(within: 5) }
                _ = try writers.line(with: "writing")
                // To the point, or to the end of all they have to write.
                _ = writers.waitForEnd(within: plans[0].point == nil ? plans[0].delay : 60)
                _ = mount.kill()
            }
            // Up to two more ends, while it takes up what was left.
            while plans.count < 3, numbers.next(3) == 0 {
                let plan = Plan(&numbers, upTo: 40)
                plans.append(plan)
                if let mount = try? mounted(receiver, port, mountpoint, state, plan.environment) {
                    _ = mount.program.waitForEnd(within: plan.delay)
                    _ = mount.kill()
                }
                umount2(mountpoint, Int32(MNT_DETACH))
            }
            let mount = try mounted(receiver, port, mountpoint, state, [:])
            // Ends with 1 for files that are interrupted, which is right.
            let (_, said) = try Binary.run("wait", mountpoint, "--timeout", "60s", within: 90)
            let checker = try python("check", receiver.received("s\(seed)"), mountpoint + "/s\(seed)", manifest)
            defer { checker.end(within: 5) }
            let code = checker.waitForEnd(within: 60)
            let names = plans.map(\.description)
            guard code == 0 else {
                return (names, "\(checker.finalOutput())\n\(said)\n\(mount.program.output.suffix(3000))")
            }
            // No room is needed for what was right.
            receiver.forget("s\(seed)")
            return (names, nil)
        }

        private func mounted(
            _ receiver: some Receiver, _ port: Int, _ mountpoint: String, _ state: String,
            _ environment: [String: String]
        ) throws -> Mounted {
            // Every third under a quota that presses: what is published makes room, and streams pass through.
            let digit = state.utf8.last ?? 0
            let quota = digit % 3 == 0 ? ["--spool-limit", "16MiB"] : []
            // Every second with a queue that is mostly in the journal.
            let memory = digit % 2 == 0 ? ["--queue-in-memory", "1"] : []
            return try Mounted(
                receiver.destination(by: port), at: mountpoint, state: state,
                options: ["--log-level", "notice", "--settling-time", "20ms"] + quota + memory,
                environment: receiver.environment.merging(environment) { $1 },
                limit: 180)
        }

        private func python(_ words: String...) throws -> Program {
            try Program("python3", ["-c", CrashWriters.script] + words)
        }
    }
}
