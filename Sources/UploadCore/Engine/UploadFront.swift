/// The engine's face to the filesystem: takes events without waiting, and answers from the board and
/// the journal.
package final class UploadFront: Uploads {
    private let board: StatusBoard
    private let journal: any Journal
    private let names: any NameClaims
    private let continuation: AsyncStream<WriterEvent>.Continuation

    /// What was posted, for `UploadEngine.run`.
    package let events: AsyncStream<WriterEvent>

    package init(board: StatusBoard, journal: any Journal, names: any NameClaims) {
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

    package func overview() -> StatusOverview {
        board.overview()
    }

    package func status(of file: FileID) -> FileStatus? {
        board.status(of: file) ?? finishedStatus(of: file)
    }

    /// A version that is no longer listed is in the journal.
    private func finishedStatus(of file: FileID) -> FileStatus? {
        guard let record = try? journal.newestUpload(of: file), let path = names.path(of: file) else { return nil }
        let size = record.receipt?.size ?? record.closedSize ?? 0
        let chunks = record.schedule.count(size: size)
        let isDone = record.phase == .done
        let entries = [
            FileStatus.PhaseEntry(phase: .receiving, entered: record.created),
            record.closed.map { FileStatus.PhaseEntry(phase: .queued, entered: $0) },
            record.finished.map { FileStatus.PhaseEntry(phase: record.phase, entered: $0) },
        ]
        return FileStatus(
            file: file, version: record.version, path: path, phase: record.phase, phases: entries.compactMap { $0 },
            contentType: record.contentType, size: size, isClosed: record.closedSize != nil || isDone,
            acknowledged: isDone ? size : 0, chunksStored: isDone ? chunks : 0, chunksTotal: chunks,
            chunkSize: record.schedule.firstSize, retries: record.retries, failure: record.failure,
            receipt: record.receipt)
    }

    package func whenSettled(_ file: FileID, _ answer: @escaping @Sendable (FileStatus) -> Void) -> WaitToken {
        // First wait, then look: what settles in between is not missed.
        let token = board.addWaiter(file, answer)
        if let status = status(of: file), status.phase.isSettled {
            if board.removeWaiter(token) { answer(status) }
        } else {
            post(.awaited(file))
        }
        return token
    }

    package func cancelWait(_ token: WaitToken) {
        _ = board.removeWaiter(token)
    }
}
