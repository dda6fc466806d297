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
        board.status(of: file) ?? FinishedStatus.read(file, journal, names)
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
