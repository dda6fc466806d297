import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Each system call with what can go wrong, on the mount and on a plain directory: the same errno, the same result,
    /// and the same times moved; but for what is told here, and in the README.
    @Suite struct CallTests {
        enum Caller: Sendable, CaseIterable {
            case root
            /// Owns the mount, and may do no more than any user: with files of others in it.
            case rootWithoutCapabilities
            case nobody
        }

        /// What the mount answers otherwise, with the reason.
        private static let differences: [String: String] = [
            // No object can stand for one.
            "nodes 0": "('EPERM', 'ok', '- 644', 'EPERM')",
            "nodes 1": "('EEXIST', 'ENOENT', 'EPERM')",
            // Where no byte changes, no time moves.
            "allocate 4": "('0 at 0', 'f:- 0')",
            "allocate 6": "('1 at 0', 'f:- 0')",
            "allocate 10": "('3 at 900', 'f:- 0')",
            // A directory has one link, as on btrfs.
            "counted 0": "(1, 10000, 24, 1, True)",
            // A file of a hole alone is not said to have no block: tar would not read it.
            "counted 1": "2048",
        ]

        @Test("Each call answers as on a plain directory", .timeLimit(.minutes(2)), arguments: Caller.allCases)
        func calls(_ caller: Caller) throws {
            let scene = try Scene()
            // Where others may come in.
            chmod(scene.directory.path, 0o755)
            let place = scene.directory.file("place")
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            var prefix: [String] = []
            var environment: [String: String] = [:]
            var binary = Binary.path
            switch caller {
            case .root: break
            case .rootWithoutCapabilities:
                prefix = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
            case .nobody:
                prefix = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
                // The clone, or Swift, may lie where only root comes.
                try Shell.must(
                    """
                    mkdir \(place)/bin && cd \(place)/bin && cp \(Binary.path) . && \
                    ldd uploadfs | awk '$2 == "=>" { print $3 }' | xargs cp -Lt . && chmod -R a+rX . && chown 65534:65534 \(place)
                    """)
                binary = place + "/bin/uploadfs"
                environment = ["LD_LIBRARY_PATH": place + "/bin", "HOME": place]
            }
            // As udev has it everywhere; not so in every container.
            let device = try FileManager.default.attributesOfItem(atPath: "/dev/fuse")[.posixPermissions] as? NSNumber
            let mode = mode_t(try #require(device).uint32Value)
            if caller == .nobody { try #require(chmod("/dev/fuse", 0o666) == 0) }
            defer { if caller == .nobody { chmod("/dev/fuse", mode) } }
            for name in ["plain", "mount", "received"] { mkdir(place + "/" + name, 0o755) }
            if caller == .nobody {
                try Shell.must("chown -R 65534:65534 \(place)/plain \(place)/mount \(place)/received")
            }
            let mount = try Mounted(
                nil, at: place + "/mount", state: place + "/state",
                options: ["--directory", place + "/received", "--settling-time", "60s"], environment: environment,
                limit: 110, in: scene.directory,
                program: caller == .nobody ? prefix + [binary] : [binary])
            if caller == .rootWithoutCapabilities {
                for side in [place + "/plain", mount.mountpoint] { try makeTheirs(side) }
            }
            let script = try #require(Bundle.module.path(forResource: "calls", ofType: "py"))
            let readable = place + "/calls.py"
            try Shell.must("cp \(script) \(readable) && chmod 644 \(readable)")
            let answers = try ["plain", "mount"].map { side in
                let line = (prefix + ["/usr/bin/python3", readable, place + "/" + side]).map(Shell.quoted).joined(
                    separator: " ")
                return try Shell.must("cd / && \(line)", within: 60).split(separator: "\n").map(String.init)
            }
            try #require(answers[0].count == answers[1].count && answers[0].count > 200)
            for (plain, mounted) in zip(answers[0], answers[1]) {
                let name = String(plain.prefix { $0 != ":" })
                if let other = Self.differences[name] {
                    #expect(mounted == "\(name): \(other)")
                } else {
                    #expect(mounted == plain)
                }
            }
        }

        /// Files of another user, some of them in a sticky directory.
        private func makeTheirs(_ directory: String) throws {
            try Shell.must(
                """
                cd \(directory) && mkdir -p theirs/sticky/d && chmod 1777 theirs/sticky && chmod 755 theirs && \
                for name in open closed sticky/f; do echo x > theirs/$name; done && \
                chmod 666 theirs/open theirs/sticky/f && chmod 600 theirs/closed && chown -R 4321:4321 theirs
                """)
        }
    }
}
