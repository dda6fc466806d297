/// Uploads of chunks are begun in two steps where the destination can't tell afterwards who began them: first the
/// journal has the intention, then the request is made. Should we be killed before the answer is journalled, the next run
/// looks for what may be there.
extension UploadEngine {
    /// Who waits until requests to begin an upload are answered.
    struct AwaitedBegins {
        var tasks: Set<Int>
        let continuation: CheckedContinuation<Void, Never>
    }

    /// To be called before the request is made.
    /// - Parameter task: its number.
    func intend(_ task: Int, _ path: UploadPath) {
        guard world.destination.limits.wantsIntentions else { return }
        let intention = BeginIntention(number: task, path: path, time: world.now())
        intentions[task] = intention
        record([.intend(intention)])
    }

    /// Each further attempt has an intention of its own: what the last one may have left was begun at another time.
    func intendAgain(_ task: Int, after error: DestinationError) {
        guard let last = intentions[task] else { return }
        lastTask += 1
        let next = BeginIntention(number: lastTask, path: last.path, time: world.now())
        intentions[task] = next
        var changes = [JournalChange.intend(next)]
        if !error.leavesOpen { changes.append(.intentionEnded(last.number)) }
        record(changes)
    }

    /// The request is answered, or never will be.
    /// - Returns: what is to be journalled with that.
    func intentionEnded(_ task: Int, _ result: Result<Answer, DestinationError>) -> [JournalChange] {
        guard let intention = intentions.removeValue(forKey: task) else { return [] }
        for index in awaitedBegins.indices { awaitedBegins[index].tasks.remove(task) }
        for awaited in awaitedBegins where awaited.tasks.isEmpty { awaited.continuation.resume() }
        awaitedBegins.removeAll(where: \.tasks.isEmpty)
        switch result {
        case .success(.began(let session)): begun?.insert(session.token)
        case .failure(let error) where error.leavesOpen: return []
        case .success, .failure: break
        }
        return [.intentionEnded(intention.number)]
    }

    /// Looks behind earlier runs. Without an intention of theirs nobody is asked.
    func sweepIntended(_ attempts: Attempts) async throws(DestinationError) {
        let earlier: [BeginIntention]
        do throws(JournalError) {
            // The upper half of a number is that of its run.
            earlier = try world.journal.intentions().filter { $0.number >> 32 < lastTask >> 32 }
        } catch {
            return world.log.trouble(FailureSentences.journal(error))
        }
        guard !earlier.isEmpty else {
            begun = nil
            return
        }
        var left = try await look(for: earlier, attempts)
        if let first = left, !first.strays.isEmpty {
            // Should one be another's after all, who is just beginning: by then it is in use, and can be told from ours.
            do { try await world.clock.sleep(for: settings.strayPatience) } catch { throw .cancelled }
            left = try await look(for: earlier, attempts)?.confirming(first)
        }
        begun = nil
        guard let left else {
            return world.log.trouble(
                "Whether an earlier run has left unfinished uploads at the destination can't be told.",
                [
                    "remedy":
                        "Let the destination end them by a rule of its own; \"uploadfs doctor\" says what is missing."
                ])
        }
        for words in left.doubtful {
            world.log.trouble(
                "Unfinished uploads may be of an earlier run, or somebody else's: they are left alone.",
                ["object": words, "remedy": "\"uploadfs doctor\" lists them, and says how to abort them."])
        }
        abort(strays: left.strays, with: left.settled.map { .intentionEnded($0) })
    }

    private func look(
        for intentions: [BeginIntention], _ attempts: Attempts
    ) async throws(DestinationError) -> LeftBehind? {
        try await attempts.make("sweep") { [world] () async throws(DestinationError) in
            try await world.destination.leftBehind(by: intentions) { await self.knownSessions() }
        }
    }

    private func knownSessions() async -> Set<SessionToken>? {
        let open = Set(intentions.keys)
        if !open.isEmpty {
            await withCheckedContinuation { awaitedBegins.append(AwaitedBegins(tasks: open, continuation: $0)) }
        }
        // Also those of files that could not be taken up, and those that could not be journalled. What is on the shelf
        // has none.
        guard let unfinished = try? world.journal.unfinishedUploads(besides: shelf) else { return nil }
        return Set(unfinished.compactMap(\.session) + uploads.values.compactMap(\.machine.session.token))
            .union(owed).union(begun ?? [])
    }
}

extension DestinationError {
    /// The request may have been carried out, for all that is known.
    fileprivate var leavesOpen: Bool {
        switch self {
        // Who is asked to come again later was not served.
        case .busy(429, _), .busy(503, _): false
        case .broken, .busy, .damaged, .malformed, .cancelled: true
        case .unreachable, .sessionLost, .missing, .unauthorized, .noCredentials, .forbidden, .rejected, .source,
            .journal:
            false
        }
    }
}
