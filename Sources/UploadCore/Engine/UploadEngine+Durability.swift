internal import Synchronization

/// Closes survive a kill of ours by themselves. This brings them to stable storage soon after, in groups, and
/// marks them in the journal: after a power loss only what is marked is published.
extension UploadEngine {
    /// The journal has a close.
    func acknowledged(_ version: VersionID, at moment: Timestamp) {
        gathered[version] = moment
        guard keeping == nil, !isStopping else { return }
        keeping = Task { [world, interval = settings.durabilityInterval] in
            repeat {
                do { try await world.clock.sleep(for: interval) } catch { return }
            } while await self.keepGathered()
        }
    }

    /// - Returns: whether there are more.
    private func keepGathered() async -> Bool {
        await keep(takeGathered())
        if gathered.isEmpty || isStopping { keeping = nil }
        return keeping != nil
    }

    /// Closes to be kept. Those are not closes (yet) whose writers may be there still: the journal's word for
    /// them is taken back, so that a kill of ours does not publish half a file.
    private func takeGathered() -> [VersionID: Timestamp] {
        var closes = gathered
        gathered = [:]
        let quiet = world.now().advanced(by: .zero - settings.durabilityInterval)
        for (version, moment) in closes {
            guard let track = uploads[version]?.track ?? dormant[version]?.track else { continue }
            switch track.lapse(moment, since: quiet) {
            case .finished: continue
            case .notYet: gathered[version] = moment
            case .lapsed: record([.lapsed(version, ofClose: moment)])
            }
            closes[version] = nil
        }
        return closes
    }

    /// In the order of the promise: the bytes, the names of the spool files, the mark, and then the journal.
    func keep(_ closes: [VersionID: Timestamp]) async {
        guard !closes.isEmpty else { return }
        let outcome = Mutex(Synchronized())
        let replaced = superseded.filter { closes[$0.key] != nil }
        await world.offload { [world] in
            do throws(SpoolError) {
                let synchronized = try world.spool.synchronize(closes.keys.sorted())
                let changes = synchronized.durable.flatMap { version -> [JournalChange] in
                    guard let close = closes[version] else { return [] }
                    return [.durable(version, ofClose: close)] + (replaced[version] ?? []).map { .removeUpload($0) }
                }
                do throws(JournalError) {
                    try world.journal.apply(changes)
                    try world.journal.synchronize()
                    outcome.withLock { $0 = synchronized }
                } catch {
                    let failure = FailureSentences.journal(error)
                    world.log.trouble(failure.reason, ["remedy": failure.remedy])
                }
            } catch {
                let failure = FailureSentences.spool(error)
                world.log.trouble(failure.reason, ["remedy": failure.remedy])
            }
        }
        let (durable, damaged) = outcome.withLock { ($0.durable, $0.damaged) }
        for version in durable {
            guard let older = replaced[version] else { continue }
            superseded[version]?.removeAll(where: older.contains)
            if superseded[version]?.isEmpty == true { superseded[version] = nil }
            for version in older { discardSpool(version) }
        }
        for (version, error) in damaged { self.damaged(version, error) }
    }

    /// The kernel keeps no bytes that the disk has refused: what would be read later is not what was written (P2).
    private func damaged(_ version: VersionID, _ error: SpoolError) {
        let failure = FailureSentences.spool(error)
        world.log.trouble(failure.reason, ["version": "\(version)", "remedy": failure.remedy])
        guard uploads[version]?.machine.plan.isClosed == true else { return }
        uploads[version]?.machine.refused(failure)
        fail(version, failure)
        moved(version)
    }
}
