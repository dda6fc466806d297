import Synchronization

/// How published files are read.
package struct ReadSettings: Sendable {
    /// Requests at once, all files together: beside those of uploads, which take nothing from them.
    package var connections = 8
    /// Bytes that are kept of all files together, and fetched ahead. What somebody waits for may pass it.
    package var memory: Int64 = 32 << 20
    /// How long a read waits at the most.
    package var patience: Duration = .seconds(60)
    /// Quick attempts alone: who waits is not to wait for the others.
    package var retry = RetryPolicy()

    package init() {}
}

/// Performs what `ReadQueue` decides: makes the requests, and answers who waits for them. Reads ask the destination
/// whatever the engine thinks of it.
package final class ReadBack: RemoteFiles {
    // Dependencies.
    private let world: EngineWorld
    // Constants.
    private let settings: ReadSettings
    /// Nobody is answered, and nothing of ours is asked for, while it is held.
    private let state: Mutex<State>

    fileprivate struct State {
        var queue: ReadQueue
        var objects: [UInt64: ReadableObject] = [:]
        var waiting: [ReadQueue.ReadID: Waiting] = [:]
        var tasks: [ReadQueue.BlockID: Task<Void, Never>] = [:]
        /// Why they could not be read, until they can.
        var failures: [VersionID: Failure] = [:]
        /// Looks after those who wait.
        var watching: Task<Void, Never>?
        var isStopped = false
    }

    fileprivate struct Waiting: Sendable {
        let file: UInt64
        /// On the stopwatch.
        let since: Duration
        let answer: RemoteAnswer
    }

    private struct Due: Sendable {
        let answer: RemoteAnswer
        let result: Result<ArraySlice<UInt8>, RemoteReadError>
    }

    /// Failures that are remembered.
    fileprivate static let most = 1000

    package init(world: EngineWorld, settings: ReadSettings = ReadSettings()) {
        self.world = world
        self.settings = settings
        state = Mutex(State(queue: ReadQueue(connections: settings.connections, memory: settings.memory)))
    }

    package var canRead: Bool { world.destination.limits.canRead }

    /// Why it could not be read the last time; nil: it could, or nobody has tried.
    package func failure(of version: VersionID) -> Failure? { state.withLock { $0.failures[version] } }

    package func open(_ object: ReadableObject) -> any RemoteFile {
        let number = state.withLock { state in
            let number = state.queue.open(size: object.size)
            state.objects[number] = object
            return number
        }
        return Reader(number: number, owner: self)
    }

    /// No more requests: those under way are given up, and who waits is told.
    package func stop() {
        let (tasks, due) = state.withLock { state -> ([Task<Void, Never>], [Due]) in
            state.isStopped = true
            defer { state.waiting = [:] }
            return (
                Array(state.tasks.values) + [state.watching].compactMap { $0 },
                state.waiting.values.map { Due(answer: $0.answer, result: .failure(.closed)) }
            )
        }
        for task in tasks { task.cancel() }
        Self.answer(due)
    }

    private final class Reader: RemoteFile {
        private let number: UInt64
        private let owner: ReadBack

        init(number: UInt64, owner: ReadBack) {
            self.number = number
            self.owner = owner
        }

        deinit { owner.close(number) }

        func read(_ range: Range<Int64>, _ answer: @escaping RemoteAnswer) -> @Sendable () -> Void {
            owner.read(range, of: number, answer)
        }

        func close() { owner.close(number) }
    }

    // MARK: Who reads

    private func read(
        _ range: Range<Int64>, of file: UInt64, _ answer: @escaping RemoteAnswer
    ) -> @Sendable () -> Void {
        let since = world.stopwatch.elapsed
        let outcome = state.withLock { state -> ReadQueue.Outcome? in
            guard !state.isStopped, let outcome = state.queue.read(range, of: file) else { return nil }
            if case .waits(let read) = outcome {
                state.waiting[read] = Waiting(file: file, since: since, answer: answer)
            }
            return outcome
        }
        dispatch()
        switch outcome {
        case nil: answer(.failure(.closed))
        case .here(let bytes)?: answer(.success(bytes))
        case .waits(let read)?:
            watch()
            return { [self] in forget(read) }
        }
        return {}
    }

    private func forget(_ read: ReadQueue.ReadID) {
        state.withLock { state in
            state.waiting[read] = nil
            state.queue.forget(read)
        }
    }

    /// Who waits is told later, by another thread: who closes may hold locks.
    private func close(_ file: UInt64) {
        let (tasks, due) = state.withLock { state -> ([Task<Void, Never>], [Due]) in
            let gone = state.queue.close(file)
            state.objects[file] = nil
            return (
                gone.fetches.compactMap { state.tasks[$0] },
                gone.reads.compactMap { state.waiting.removeValue(forKey: $0)?.answer }
                    .map { Due(answer: $0, result: .failure(.closed)) }
            )
        }
        for task in tasks { task.cancel() }
        if !due.isEmpty { Task { Self.answer(due) } }
    }

    private static func answer(_ due: [Due]) {
        for one in due { one.answer(one.result) }
    }

    // MARK: Requests

    private func dispatch() {
        state.withLock { state in
            while !state.isStopped, let fetch = state.queue.next() {
                state.tasks[fetch.block] = Task { await self.make(fetch) }
            }
        }
    }

    private func make(_ fetch: ReadQueue.Fetch) async {
        let attempts = Attempts(world: world, policy: settings.retry) { [world] _ in
            world.board.count { $0.retries += 1 }
        }
        let result: Result<ObjectPiece, DestinationError>
        do throws(DestinationError) {
            let piece = try await attempts.make("read") { () async throws(DestinationError) -> ObjectPiece in
                // As it is known now: another request may have told more.
                guard let object = self.state.withLock({ $0.objects[fetch.file] }) else { throw .cancelled }
                return try await self.world.destination.read(fetch.range, of: object)
            }
            result = .success(piece)
        } catch {
            result = .failure(error)
        }
        ended(fetch, result)
    }

    private func ended(_ fetch: ReadQueue.Fetch, _ result: Result<ObjectPiece, DestinationError>) {
        let (due, news) = state.withLock { state -> ([Due], Trouble?) in
            state.tasks[fetch.block] = nil
            switch state.checked(result, fetch) {
            case .success(let piece):
                if let object = state.objects[fetch.file] { state.failures[object.version] = nil }
                let answered = state.queue.fetched(fetch.block, piece.bytes)
                return (
                    answered.compactMap { read, bytes in
                        state.waiting.removeValue(forKey: read).map {
                            Due(answer: $0.answer, result: .success(bytes))
                        }
                    }, nil
                )
            case .failure(let error):
                let failure = FailureSentences.reading(error)
                let due = state.queue.failed(fetch.block)
                    .compactMap { state.waiting.removeValue(forKey: $0)?.answer }
                    .map { Due(answer: $0, result: .failure(error == .cancelled ? .closed : .failed(failure))) }
                let news = due.isEmpty || error == .cancelled ? nil : state.note(failure, fetch.file)
                return (due, news)
            }
        }
        tell(news)
        Self.answer(due)
        dispatch()
    }

    fileprivate struct Trouble: Sendable {
        let path: UploadPath
        let failure: Failure
    }

    private func tell(_ trouble: Trouble?) {
        guard let trouble else { return }
        world.log.trouble(
            "A published file could not be read from the destination.",
            [
                "path": NameFormat.text(trouble.path), "reason": trouble.failure.reason,
                "remedy": trouble.failure.remedy,
            ])
    }

    // MARK: Who waits too long

    private func watch() {
        state.withLock { state in
            guard state.watching == nil, !state.isStopped, !state.waiting.isEmpty else { return }
            state.watching = Task { await self.watchWaiting() }
        }
    }

    private func watchWaiting() async {
        while let left = untilNextLook() {
            do { try await world.clock.sleep(for: left) } catch { return }
            giveUp(since: world.stopwatch.elapsed - settings.patience)
        }
    }

    private func untilNextLook() -> Duration? {
        let now = world.stopwatch.elapsed
        return state.withLock { state in
            guard let oldest = state.waiting.values.map(\.since).min() else {
                state.watching = nil
                return nil
            }
            return max(.zero, oldest + settings.patience - now)
        }
    }

    /// - Parameter moment: who waits since then or longer.
    private func giveUp(since moment: Duration) {
        let failure = FailureSentences.readTimedOut(after: settings.patience)
        let (due, news) = state.withLock { state -> ([Due], [Trouble]) in
            var due: [Due] = []
            var news: [Trouble] = []
            for (read, waiting) in state.waiting where waiting.since <= moment {
                state.waiting[read] = nil
                state.queue.forget(read)
                due.append(Due(answer: waiting.answer, result: .failure(.failed(failure))))
                if let trouble = state.note(failure, waiting.file) { news.append(trouble) }
            }
            return (due, news)
        }
        for trouble in news { tell(trouble) }
        Self.answer(due)
    }
}

extension ReadBack.State {
    /// Bytes of one object alone are given out: of the first one that was read since the file was opened.
    fileprivate mutating func checked(
        _ result: Result<ObjectPiece, DestinationError>, _ fetch: ReadQueue.Fetch
    ) -> Result<ObjectPiece, DestinationError> {
        guard case .success(let piece) = result else { return result }
        guard piece.bytes.count == fetch.range.count else {
            return .failure(.malformed(detail: "\(piece.bytes.count) bytes for \(fetch.range.count)"))
        }
        guard let object = objects[fetch.file] else { return .failure(.cancelled) }
        guard piece.tag == object.held ?? piece.tag else { return .failure(.objectChanged) }
        objects[fetch.file]?.held = piece.tag
        return result
    }

    /// - Returns: what is to be told: nil where that was said already.
    fileprivate mutating func note(_ failure: Failure, _ number: UInt64) -> ReadBack.Trouble? {
        guard let object = objects[number], failures[object.version] != failure else { return nil }
        if failures.count >= ReadBack.most { failures = [:] }
        failures[object.version] = failure
        return ReadBack.Trouble(path: object.path, failure: failure)
    }
}
