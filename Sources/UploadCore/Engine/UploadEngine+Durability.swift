internal import Synchronization

/// Closes survive a kill of ours by themselves. This brings them to stable storage soon after, in groups, and
/// marks them in the journal: after a power loss only what is marked is published.
extension UploadEngine {
    /// The journal has a close.
    func acknowledged(_ version: VersionID, at moment: Timestamp) {
        // What was written before it is known now.
        takeNews(version)
        // A close that came before the word of it: it is void, too.
        if case .spoiled(let failure)? = uploads[version]?.machine.halt { return spoil(version, failure) }
        // Given up already, since its name is gone, as is said later in line.
        guard uploads[version] != nil || dormant[version] != nil else { return }
        uploads[version]?.closedAt = moment
        gathered[version] = moment
        if uploads[version]?.isSuccessor == true { superseded[version, default: []] += [] }
        startKeeping()
    }

    /// Goes on as long as there is something to be kept.
    func startKeeping() {
        guard keeping == nil, isKeepingWanted else { return }
        keeping = Task { [world, interval = settings.durabilityInterval] in
            var pause = interval
            while isKeepingWanted {
                do { try await world.clock.sleep(for: pause) } catch { break }
                // What can't be kept now is not asked for twice a second.
                pause = await self.keep(takeGathered()) ? interval : min(pause * 2, .seconds(30))
            }
            keeping = nil
        }
    }

    private var isKeepingWanted: Bool { !isStopping && !(gathered.isEmpty && awaitingNames.isEmpty && !isUnkept) }

    /// Closes to be kept. Those are not closes (yet) whose writers may be there still: the journal's word for
    /// them is taken back, so that a kill of ours does not publish half a file.
    private func takeGathered() -> [VersionID: Timestamp] {
        gathered.filter { version, moment in
            guard let track = uploads[version]?.track ?? dormant[version]?.track else { return true }
            switch track.lapse(moment) {
            case .finished: return true
            case .notYet: return false
            case .lapsed:
                record([.lapsed(version, ofClose: moment)])
                gathered[version] = nil
                return false
            }
        }
    }

    /// What was closed last is marked as durable too, unless the disk takes too long: then a power loss before
    /// the next mount makes it `interrupted`.
    func keepRest() async {
        let running = keeping
        running?.cancel()
        guard !gathered.isEmpty || running != nil || removing != nil else { return }
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        Task {
            await running?.value
            await self.keep(gathered)
            await removing?.value
            end.finish()
        }
        let limit = Task { [world, time = settings.stoppingTime] in
            do { try await world.clock.sleep(for: time) } catch { return }
            end.finish()
        }
        for await _ in ended {}
        limit.cancel()
    }

    /// In slices, the small files first, so that those don't wait for the big ones.
    /// - Returns: false when there are some that could not be kept now; they stay gathered.
    @discardableResult
    private func keep(_ closes: [VersionID: Timestamp]) async -> Bool {
        let names = world.names.namesGivenUp
        let order = closes.keys.sorted { size(of: $0) < size(of: $1) }
        var isAllKept = true
        var rest = order[...]
        repeat {
            let slice = rest.prefix(Self.keptAtOnce)
            rest = rest.dropFirst(Self.keptAtOnce)
            if await !keepSlice(slice.reduce(into: [:]) { $0[$1] = closes[$1] }) { isAllKept = false }
            // Also when they are not: nobody is to wait for a disk that takes nothing.
            keptNames = names
            let waiting = awaitingNames
            awaitingNames = []
            for version in waiting { moved(version) }
            dispatch()
        } while !rest.isEmpty
        return isAllKept
    }

    private static var keptAtOnce: Int { 64 }

    private func size(of version: VersionID) -> Int64 { uploads[version]?.machine.plan.size ?? 0 }

    /// In the order of the promise: the bytes, the names of the spool files, the mark, and then the journal.
    private func keepSlice(_ closes: [VersionID: Timestamp]) async -> Bool {
        let kept = Mutex((outcome: Synchronized(), isJournalKept: true))
        await world.offload { [world] in
            var outcome = world.spool.synchronize(closes.keys.sorted())
            var isJournalKept = true
            let marks = outcome.durable.compactMap { version in
                closes[version].map { JournalChange.durable(version, ofClose: $0) }
            }
            do throws(JournalError) {
                // With nothing to be kept it is a question: whether the journal takes something (again).
                try world.journal.apply(
                    closes.isEmpty ? [.setFact(name: Self.keptFact, value: "\(world.now())")] : marks)
                try world.journal.synchronize()
            } catch {
                world.log.trouble(FailureSentences.unkept(error))
                outcome.durable = []
                isJournalKept = false
            }
            kept.withLock { [outcome, isJournalKept] in $0 = (outcome, isJournalKept) }
        }
        let (outcome, isJournalKept) = kept.withLock { $0 }
        showKeeping(isJournalKept)
        let answered = Set(outcome.durable).union(outcome.damaged.keys)
        for version in outcome.durable where gathered[version] == closes[version] { gathered[version] = nil }
        for (version, error) in outcome.damaged {
            // Given up since this round began, and its bytes are gone: that is no damage.
            if case .missing = error, gathered[version] == nil { continue }
            damaged(version, error)
        }
        // What is neither waits for its next round, unless there is no use in that.
        for (version, close) in closes where !isJournalKept || gathered[version] != close {
            replace(version, after: close)
        }
        return answered.isSuperset(of: closes.keys) && isJournalKept
    }

    private static let keptFact = "kept"

    /// Whether the journal is brought to the disk.
    func showKeeping(_ isKept: Bool) {
        let isBack = isUnkept && isKept
        isUnkept = !isKept
        world.board.troubled(isKept ? nil : FailureSentences.journalNotKept)
        if isBack { startMakingRoom() }
        if !isKept { startKeeping() }
    }

    /// What a close has made needless goes, and the version may be published: it is on stable storage, or the disk
    /// takes nothing now, and nobody is to wait for that. Not if the close is void by now: then the next one decides.
    private func replace(_ version: VersionID, after close: Timestamp) {
        guard superseded[version] != nil else { return }
        do throws(JournalError) {
            guard try Self.holds(close, of: version, world.journal) else { return }
        } catch {
            // Nobody knows: looked at again with the next round.
            gathered[version] = gathered[version] ?? close
            return world.log.trouble(FailureSentences.journal(error))
        }
        for needless in superseded.removeValue(forKey: version) ?? [] { discard(needless) }
        moved(version)
        shelve(version)
    }

    /// The kernel keeps no bytes that the disk has refused: what would be read later is not what was written (P2).
    private func damaged(_ version: VersionID, _ error: SpoolError) {
        gathered[version] = nil
        unshelve(version)
        let failure = FailureSentences.spool(error)
        world.log.trouble(failure, ["version": "\(version)"])
        guard let upload = uploads[version] else { return damagedAfterwards(version, failure) }
        // Who goes on with it is told.
        upload.track?.fail(failure)
        spoil(version, failure)
    }

    /// The destination has it, and what the spool has is not that any more: it is not for reading, or changing.
    func damagedAfterwards(_ version: VersionID, _ failure: Failure) {
        // Somebody has it open for writing: when that one is gone.
        dormant[version]?.track.fail(failure)
        evictPublished(version)
    }

    /// - Parameter version: may be given up, or not be published; then nothing is done.
    func evictPublished(_ version: VersionID) {
        guard let row = try? world.journal.upload(version), row.phase == .done, row.isSpooled,
            evict(version, of: row.file)
        else { return }
        discardSpool(version)
    }
}

extension EngineWorld {
    /// All that was journalled is on stable storage when it returns; if not, it is told in the log.
    @discardableResult
    func keepJournal() -> Bool {
        do throws(JournalError) {
            try journal.synchronize()
            return true
        } catch {
            log.trouble(FailureSentences.unkept(error))
            return false
        }
    }
}
