internal import Synchronization

/// Closes survive a kill of ours by themselves. This brings them to stable storage soon after, in groups, and
/// marks them in the journal: after a power loss only what is marked is published.
extension UploadEngine {
    /// The journal has a close.
    func acknowledged(_ version: VersionID, at moment: Timestamp) {
        // What was written before it is known now.
        takeNews(version)
        uploads[version]?.closedAt = moment
        gathered[version] = moment
        startKeeping()
    }

    /// Goes on as long as there are closes to be kept.
    func startKeeping() {
        guard keeping == nil, !gathered.isEmpty, !isStopping else { return }
        keeping = Task { [world, interval = settings.durabilityInterval] in
            var pause = interval
            while !gathered.isEmpty, !isStopping {
                do { try await world.clock.sleep(for: pause) } catch { break }
                // What can't be kept now is not asked for twice a second.
                pause = await self.keep(takeGathered()) ? interval : min(pause * 2, .seconds(30))
            }
            keeping = nil
        }
    }

    /// Closes to be kept. Those are not closes (yet) whose writers may be there still: the journal's word for
    /// them is taken back, so that a kill of ours does not publish half a file.
    private func takeGathered() -> [VersionID: Timestamp] {
        return gathered.filter { version, moment in
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

    /// In the order of the promise: the bytes, the names of the spool files, the mark, and then the journal.
    /// - Returns: false when there are some that could not be kept now; they stay gathered.
    @discardableResult
    private func keep(_ closes: [VersionID: Timestamp]) async -> Bool {
        guard !closes.isEmpty else { return true }
        let replaced = superseded.filter { closes[$0.key] != nil }
        let kept = Mutex(Synchronized())
        await world.offload { [world] in
            var outcome = world.spool.synchronize(closes.keys.sorted())
            let changes = outcome.durable.flatMap { version -> [JournalChange] in
                guard let close = closes[version] else { return [] }
                return [.durable(version, ofClose: close)] + (replaced[version] ?? []).map { .removeUpload($0) }
            }
            do throws(JournalError) {
                try world.journal.apply(changes)
                try world.journal.synchronize()
            } catch {
                world.log.trouble(FailureSentences.journal(error))
                outcome.durable = []
            }
            kept.withLock { [outcome] in $0 = outcome }
        }
        let (durable, damaged) = kept.withLock { ($0.durable, $0.damaged) }
        for version in durable where gathered[version] == closes[version] { gathered[version] = nil }
        for (version, error) in damaged { self.damaged(version, error) }
        for version in closes.keys { replace(version) }
        dispatch()
        return durable.count + damaged.count == closes.count
    }

    /// What a close has made needless goes, and the version may be published: it is on stable storage, or the disk
    /// does not take it now, and nobody is to wait for that. The rows may have gone with the mark already.
    private func replace(_ version: VersionID) {
        guard let older = superseded.removeValue(forKey: version) else { return }
        for needless in older { discard(needless, owing: nil) }
        moved(version)
    }

    /// The kernel keeps no bytes that the disk has refused: what would be read later is not what was written (P2).
    private func damaged(_ version: VersionID, _ error: SpoolError) {
        gathered[version] = nil
        // Given up or published meanwhile, it is nobody's loss.
        guard uploads[version]?.machine.plan.isClosed == true else { return }
        let failure = FailureSentences.spool(error)
        world.log.trouble(failure, ["version": "\(version)"])
        uploads[version]?.machine.refused(failure)
        fail(version, failure)
        moved(version)
    }
}
