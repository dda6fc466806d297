import ArgumentParser
import Dispatch
import Glibc

struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until files (or all of them) are uploaded.",
        discussion: """
            Prints the URL of each file that it waited for. Ends with 0 when all are uploaded, with 1 when
            one of them failed (and says why), with 124 when the time is over.
            """)

    @Argument(help: "Where uploadfs is mounted.")
    var mountpoint: String

    @Argument(help: "Files to wait for, below the mountpoint (default: everything that is on its way).")
    var paths: [String] = []

    @Option(help: "Wait no longer than this, for example 10m (default: as long as it takes).")
    var timeout: String?

    func run() async throws {
        let waiting = Waiting(mountpoint: try RunningMount.mountpoint(mountpoint))
        if let timeout {
            guard let limit = Quantity.duration(timeout) else {
                throw CommandFailure(
                    .usage, "--timeout is \"\(timeout)\", but must be a duration such as 250ms, 10s or 10m.")
            }
            // The reads below wait in the kernel; ending the process ends them.
            Task.detached {
                try await Task.sleep(for: limit)
                Terminal.error("uploadfs: Timed out after \(timeout): not everything is uploaded.")
                Glibc.exit(CommandFailure.Code.timedOut.rawValue)
            }
        }
        let failures = try await Self.detached { try Self.wait(waiting, paths) }
        guard failures == 0 else { throw ExitCode(CommandFailure.Code.failure.rawValue) }
    }

    /// - Returns: how many failed; each is told on standard error.
    static func wait(_ waiting: Waiting, _ paths: [String]) throws(CommandFailure) -> Int {
        guard paths.isEmpty else {
            return try paths.count { path throws(CommandFailure) in try !report(waiting, waiting.relative(path)) }
        }
        var failed: Set<String> = []
        // Files may come while we wait; it is over when none is left. What fails between two looks is in the second.
        while true {
            let listing = try waiting.listing()
            // What is listed and not in the tree was removed while it was being published.
            let paths = (listing.failed.filter { !failed.contains($0) } + listing.pending).filter(waiting.exists)
            guard !paths.isEmpty || !listing.isComplete else {
                tell(held: listing.held)
                return failed.count
            }
            for path in paths where waiting.exists(path) {
                if try !report(waiting, path) { failed.insert(path) }
            }
        }
    }

    private static func tell(held: Int) {
        guard held > 0 else { return }
        Terminal.error(
            "uploadfs: \(held == 1 ? "1 file is" : "\(held) files are") held under a temporary name, and not uploaded before the rename."
        )
    }

    /// - Returns: whether it is uploaded.
    private static func report(_ waiting: Waiting, _ path: String) throws(CommandFailure) -> Bool {
        switch try waiting.outcome(of: path) {
        case .uploaded(let url):
            Terminal.line(url)
            return true
        case .failed(let reason):
            Terminal.error("uploadfs: \(path): \(reason)")
            return false
        }
    }

    /// Runs what blocks on a thread of its own, so that the timer above can fire.
    static func detached<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
        }
    }
}
