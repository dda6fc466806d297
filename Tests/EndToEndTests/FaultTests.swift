import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Issue 2, 4 and 5: a network and a server that fail.
    @Suite struct FaultTests {
        private static let faults: [Fault] = [
            .reset(afterBodyBytes: 300_000), .reset(afterBodyBytes: 0), .answer(status: 500),
            .answer(status: 503, retryAfterSeconds: 1), .dropAnswer, .delay(.milliseconds(200)), .stall(.seconds(2)),
        ]

        /// The control: one plain PUT for each file, without retries, through the same faults.
        private static func lostWithoutUs(_ scene: Scene, _ proxy: FaultProxy) throws -> Int {
            let failures = try Shell.must(
                """
                cd \(scene.source); n=0
                for f in *; do
                  d=$(openssl dgst -sha256 -binary "$f" | base64)
                  curl -sf -o /dev/null -m 60 -T "$f" -H "Content-Digest: sha-256=:$d:" http://127.0.0.1:\(proxy.port)/files/control/$f || n=$((n+1))
                done; echo $n
                """)
            return try #require(Int(failures.trimmingCharacters(in: .whitespacesAndNewlines)))
        }

        @Test(
            "With 20% of requests failing 100 files arrive right, and no acknowledged chunk travels twice",
            .timeLimit(.minutes(6)))
        func randomFaults() throws {
            let scene = try Scene()
            for number in 0..<100 { try scene.randomFile("f\(number)", mebibytes: 5) }
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            let mount = try scene.mount(proxy.port, ["--stall-time", "1s"])
            proxy.setRule(FaultRules.random(seed: 2, probability: 0.2, faults: Self.faults))
            try Shell.must("cp \(scene.source)/* \(mount.mountpoint)/")
            try mount.waitForAll(within: 240)
            try Shell.must("cd \(scene.source) && for f in *; do cmp $f \(server.directory)/$f || exit 1; done")
            try Self.expectNoChunkTwice(proxy.records)
            let failed = proxy.records.count { !$0.wasAcknowledged }
            let lost = try Self.lostWithoutUs(scene, proxy)
            print(
                "faults: \(failed) of \(proxy.records.count) requests failed; plain PUTs lost \(lost) of 100 files, uploadfs none"
            )
            #expect(failed > 50)
            #expect(lost > 5)
        }

        /// A chunk that was acknowledged to us is never sent again.
        static func expectNoChunkTwice(_ records: [ProxyRecord]) throws {
            var acknowledged: [String: ProxyRecord] = [:]
            for record in records.sorted(by: { $0.ended < $1.ended }) where record.path == "/upload/chunk" {
                // One that was under way already may have been given up by us before its answer came.
                if let first = acknowledged[record.query], record.began > first.ended {
                    let session = record.query.prefix { $0 != "&" }
                    let history = records.filter { $0.query.hasPrefix(session) || $0.path == "/upload/finalize" }
                    Issue.record(
                        """
                        \(record.query) came at \(record.began) though it was acknowledged at \(first.ended):
                        \(history.map { "\($0.began)…\($0.ended) \($0.path) \($0.query) \($0.fault) \($0.outcome)" }
                            .joined(separator: "\n"))
                        """)
                }
                if record.wasAcknowledged { acknowledged[record.query] = record }
            }
            try #require(!acknowledged.isEmpty)
        }

        @Test("After a reset, bytes of that file flow again within 2 s", .timeLimit(.minutes(2)))
        func resetAndOn() throws {
            let scene = try Scene()
            try scene.randomFile("f", mebibytes: 16)
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            let mount = try scene.mount(proxy.port)
            // Each fifth chunk request is cut in the middle.
            proxy.setRule { head, ordinal in
                head.path == "/upload/chunk" && ordinal % 5 == 4 ? .reset(afterBodyBytes: 400_000) : .none
            }
            try Shell.must("cp \(scene.source)/f \(mount.mountpoint)/ && cat \(mount.path(".uploadfs/wait/f"))")
            let chunks = proxy.records.filter { $0.path == "/upload/chunk" }
            let resets = chunks.filter { $0.outcome == .reset }
            #expect(resets.count >= 3)
            for reset in resets {
                let next = chunks.filter { $0.query == reset.query && $0.began > reset.began }.map(\.began).min()
                let pause = try #require(next, "\(reset.query) never came again") - reset.ended
                #expect(pause < .seconds(2))
            }
            try Self.expectNoChunkTwice(proxy.records)
            try Shell.must("cmp \(scene.source)/f \(server.file("f"))")
        }

        @Test(
            "Server stopped for 20 s in mid-upload: cp, ls, df and cat answer all the while; then all arrives",
            .timeLimit(.minutes(4)))
        func stoppedServer() throws {
            let scene = try Scene()
            try scene.randomFile("big", mebibytes: 64)
            try scene.randomFile("small", mebibytes: 1)
            let server = try scene.server()
            let proxy = try FaultProxy(upstreamPort: server.port)
            defer { proxy.stop() }
            // So slow that it is not over before that is seen.
            proxy.setRate(bytesPerSecond: 16_000_000)
            let mount = try scene.mount(proxy.port)
            let copy = try Program("/bin/cp", [scene.source + "/big", mount.path("big")])
            // In the middle of it: the first chunk is there.
            try Shell.must(
                "until grep -qv ' 0/' \(mount.path(".uploadfs/progress/big")) 2>/dev/null; do :; done", within: 30)
            server.program.signal(SIGSTOP)
            defer { server.program.signal(SIGCONT) }
            let clock = ContinuousClock()
            let end = clock.now + .seconds(20)
            #expect(copy.waitForEnd(within: 10) == 0)
            var rounds = 0
            while clock.now < end {
                rounds += 1
                for line in [
                    "ls -l \(mount.mountpoint)", "df \(mount.mountpoint)", "cat \(mount.path(".uploadfs/status"))",
                    "cat \(mount.path(".uploadfs/status.json")) \(mount.path(".uploadfs/metrics")) \(mount.path(".uploadfs/progress/big"))",
                    "cp \(scene.source)/small \(mount.path("small-\(rounds)"))",
                ] {
                    try Shell.must(line, within: 3)
                }
                Thread.sleep(forTimeInterval: 1)
            }
            #expect(rounds >= 10)
            server.program.signal(SIGCONT)
            proxy.setRate(bytesPerSecond: nil)
            try mount.waitForAll(within: 90)
            try Shell.must("cmp \(scene.source)/big \(server.file("big"))")
            try Shell.must(
                "for n in $(seq \(rounds)); do cmp \(scene.source)/small \(server.directory)/small-$n || exit 1; done")
        }
    }
}
