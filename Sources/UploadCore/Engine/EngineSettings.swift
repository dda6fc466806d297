/// What the engine can be told.
package struct EngineSettings: Sendable {
    /// Requests to the destination at once, all files together.
    package var connections = 16
    /// Chunks of one file at once; at most what the destination likes.
    package var parallelChunks = 3
    /// How long a closed file is left alone before it is published: whoever cancels a copy closes
    /// the file first and unlinks it then, and file managers set times by path after the close.
    package var settlingTime: Duration = .milliseconds(250)
    /// The same when the program has ended that wrote it: what may come now is the next line of a script.
    var desertedTime: Duration { settlingTime / 3 }
    package var retry = RetryPolicy()
    /// Of the files that wait for their turn so many are in memory.
    package var awakeFiles = 4096
    /// Published files are remembered for so long, and so many of them.
    package var keepFinished: Duration = .seconds(30 * 24 * 3600)
    package var keepFinishedCount = 100_000
    /// How long a writer waits for room in the spool before it gets an error.
    package var spoolPatience: Duration = .seconds(300)
    /// How long what seems to be left by an earlier run is watched before it is aborted.
    package var strayPatience: Duration = .seconds(10)
    /// How long a stop may wait for the disk.
    package var stoppingTime: Duration = .seconds(2)
    /// How long closes gather before they are brought to stable storage together.
    package var durabilityInterval: Duration = .milliseconds(500)
    /// What a path's names say about its file.
    package var classify: @Sendable (UploadPath) -> NameClass = { _ in .ordinary }

    package init() {}
}

/// Where the engine tells what it did. Called from any thread; must not block.
package struct EngineLog: Sendable {
    /// A file has entered a phase.
    package var phase: @Sendable (FileStatus) -> Void
    /// A request failed and is tried again, or something of ours does not work.
    package var trouble: @Sendable (String, [String: String]) -> Void

    package init(
        phase: @escaping @Sendable (FileStatus) -> Void,
        trouble: @escaping @Sendable (String, [String: String]) -> Void
    ) {
        self.phase = phase
        self.trouble = trouble
    }

    /// Something of ours does not work: why, and what mends it.
    func trouble(_ failure: Failure, _ facts: [String: String] = [:]) {
        trouble(failure.reason, facts.merging(["remedy": failure.remedy]) { fact, _ in fact })
    }
}

/// The world as the engine uses it: each part can be replaced by a test.
package struct EngineWorld: Sendable {
    package let spool: any Spool
    package let journal: any Journal
    package let destination: any Destination
    package let names: any NameClaims
    package let board: StatusBoard
    package let clock: any Clock<Duration>
    package let stopwatch: Stopwatch
    package let now: @Sendable () -> Timestamp
    /// A number of 0 ..< 1.
    package let random: @Sendable () -> Double
    package let log: EngineLog
    /// Runs what blocks on the disk, where nobody waits for its thread.
    package let offload: @Sendable (@escaping @Sendable () -> Void) async -> Void

    package init(
        spool: any Spool, journal: any Journal, destination: any Destination, names: any NameClaims,
        board: StatusBoard, clock: any Clock<Duration>, stopwatch: Stopwatch, now: @escaping @Sendable () -> Timestamp,
        random: @escaping @Sendable () -> Double, log: EngineLog,
        offload: @escaping @Sendable (@escaping @Sendable () -> Void) async -> Void = { $0() }
    ) {
        self.spool = spool
        self.journal = journal
        self.destination = destination
        self.names = names
        self.board = board
        self.clock = clock
        self.stopwatch = stopwatch
        self.now = now
        self.random = random
        self.log = log
        self.offload = offload
    }
}
