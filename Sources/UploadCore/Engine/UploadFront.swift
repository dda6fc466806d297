/// The engine's face to the filesystem: takes events without waiting, and answers from the board and
/// the journal.
package final class UploadFront: Uploads {
    private let board: StatusBoard
    private let journal: any Journal
    private let names: any NameClaims
    private let gauge: SpoolGauge
    private let stopwatch: Stopwatch
    private let remark: @Sendable () -> String?
    private let readFailure: @Sendable (VersionID) -> Failure?
    private let listing: ListingBoard?
    private let continuation: AsyncStream<WriterEvent>.Continuation

    /// What was posted, for `UploadEngine.run`.
    package let events: AsyncStream<WriterEvent>

    /// - Parameters:
    ///   - remark: what is worth knowing of the destination.
    ///   - readFailure: why a published version could not be read.
    ///   - listing: nil: nobody asks what lies there.
    package init(
        board: StatusBoard, journal: any Journal, names: any NameClaims, gauge: SpoolGauge,
        stopwatch: Stopwatch, remark: @escaping @Sendable () -> String? = { nil },
        readFailure: @escaping @Sendable (VersionID) -> Failure? = { _ in nil }, listing: ListingBoard? = nil
    ) {
        self.listing = listing
        self.remark = remark
        self.readFailure = readFailure
        self.gauge = gauge
        self.stopwatch = stopwatch
        self.board = board
        self.journal = journal
        self.names = names
        (events, continuation) = AsyncStream.makeStream(of: WriterEvent.self)
    }

    package func post(_ event: WriterEvent) {
        continuation.yield(event)
    }

    /// No more events: the engine stops once it has handled those there are.
    package func finish() {
        continuation.finish()
    }

    package func overview(limit: Int = .max) -> StatusOverview {
        var overview = board.overview(limit: limit)
        overview.remark = remark()
        overview.listing = listing?.overview
        overview.spool = StatusOverview.Spool(
            used: gauge.used, limit: gauge.limit == .max ? nil : gauge.limit, waiting: gauge.waiting)
        return overview
    }

    package func status(of file: FileID) -> FileStatus? {
        guard var status = board.status(of: file) ?? FinishedStatus.read(file, journal, names) else { return nil }
        status.readFailure = readFailure(status.version)
        return status
    }

    package func whenSettled(_ file: FileID, _ answer: @escaping @Sendable (FileStatus) -> Void) -> WaitToken {
        // The engine answers, also for what is settled: it does so after all that was posted before, so nobody
        // who waits for what he has just closed hears of what was there before.
        let token = board.addWaiter(file, answer)
        post(.awaited(file))
        return token
    }

    package func cancelWait(_ token: WaitToken) {
        _ = board.removeWaiter(token)
    }

    package func whenRoom(since: Duration?, _ answer: @escaping @Sendable (Failure?) -> Void) -> RoomWait {
        let since = since ?? stopwatch.elapsed
        let token = gauge.whenRoom(since: since, answer)
        // The engine looks after those who wait, and only after it has heard of them.
        post(.pressed)
        return RoomWait(token: token, since: since)
    }

    package func cancelRoom(_ wait: RoomWait) -> Bool {
        gauge.cancel(wait.token)
    }
}
