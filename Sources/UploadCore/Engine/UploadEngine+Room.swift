internal import Synchronization

/// Making room in the spool (P4), in this order: what is published goes first, oldest first; then of files that
/// are still being written what the destination has acknowledged. Nothing else is anybody's to give away, and
/// writers wait until some of it is.
extension UploadEngine {
    /// The spool is nearly full, or somebody waits for room.
    func pressed() {
        startMakingRoom()
        watchWaiting()
    }

    func startMakingRoom() {
        // What can't be brought to stable storage must not go either.
        guard !isStopping, !isUnkept, world.spool.gauge.isPressed else { return }
        // More may be there to give away than when the round began that is under way.
        isRoomWanted = true
        guard makingRoom == nil else { return }
        makingRoom = Task {
            while isRoomWanted, !isStopping, !isUnkept, world.spool.gauge.isPressed {
                isRoomWanted = false
                await self.evict()
                await self.releaseStored()
            }
            makingRoom = nil
        }
    }

    // MARK: What is published

    private func evict() async {
        var kept = 0
        while !isStopping, !isUnkept, world.spool.gauge.excess > 0 {
            let candidates: [UploadRecord]
            do throws(JournalError) {
                candidates = Array(try world.journal.evictableUploads(limit: kept + 32).dropFirst(kept))
            } catch {
                return world.log.trouble(FailureSentences.journal(error))
            }
            guard !candidates.isEmpty else { return }
            // No more than it takes.
            var wanted = world.spool.gauge.excess
            let chosen = candidates.prefix { record in
                defer { wanted -= record.receipt?.size ?? 0 }
                return wanted > 0
            }
            kept += chosen.count - (await evict(chosen)).count
        }
    }

    /// - Returns: those that are gone; not those that somebody writes to.
    func evict(_ records: some Sequence<UploadRecord>) async -> [VersionID] {
        let gone = records.filter { evict($0.version, of: $0.file) }.map(\.version)
        if !gone.isEmpty { await removeSpools(gone) }
        return gone
    }

    /// - Returns: whether its bytes may go.
    func evict(_ version: VersionID, of file: FileID) -> Bool {
        do throws(JournalError) {
            return try world.names.evict(file, version)
        } catch {
            world.log.trouble(FailureSentences.journal(error))
            return false
        }
    }

    // MARK: What is stored

    /// The biggest streams give first.
    func releaseStored() async {
        guard world.spool.gauge.isPressed else { return }
        let streams = uploads.values.filter {
            // What is just being published is read to its end.
            $0.track != nil && !$0.machine.isPublishing && !$0.machine.plan.releasable.isEmpty
        }.sorted { $0.machine.plan.acknowledged > $1.machine.plan.acknowledged }
        for stream in streams {
            for range in stream.machine.plan.releasable.ranges {
                guard !isUnkept, world.spool.gauge.excess > 0 else { return }
                await release(range, of: stream.machine.version)
            }
        }
    }

    private func release(_ indexes: Range<ChunkIndex>, of version: VersionID) async {
        guard let upload = uploads[version], let track = upload.track, let lowest = indexes.first else { return }
        let schedule = upload.machine.plan.schedule
        var end = lowest
        var bytes: Int64 = 0
        // As it is now: something may have been written there since it was looked up.
        let releasable = upload.machine.plan.releasable
        while end < indexes.upperBound, releasable.contains(end), bytes < world.spool.gauge.excess {
            let range = schedule.range(of: end)
            // A writer is there, or was and the engine has not heard of it yet.
            guard track.release(range) else { break }
            bytes += Int64(range.count)
            end += 1
        }
        let chosen = lowest..<end
        guard !chosen.isEmpty else { return }
        uploads[version]?.machine.release(chosen)
        guard record([.released(version, chosen)]) else {
            // They stay, and so does what is known of them.
            track.unrelease(schedule.range(of: chosen))
            uploads[version]?.machine.unrelease(RangeSet(chosen), areStored: true)
            return showKeeping(false)
        }
        let punched = await punch(chosen, of: version, schedule, track)
        if !punched.isKept { showKeeping(false) }
        let rest = RangeSet(chosen).subtracting(punched.known)
        guard !rest.isEmpty else { return }
        // The journal does not have all receipts: those chunks stay, and are sent once more.
        for range in rest.ranges { track.unrelease(schedule.range(of: range)) }
        uploads[version]?.machine.unrelease(rest, areStored: false)
        moved(version)
        dispatch()
    }

    /// On stable storage first: what the journal does not know to be gone would be read as zeros after a crash.
    /// - Returns: what the journal calls released, which then stays so, whether its room is free or not; and whether
    ///   the journal is on stable storage.
    private func punch(
        _ chosen: Range<ChunkIndex>, of version: VersionID, _ schedule: ChunkSchedule, _ track: WriteTrack
    ) async -> (known: RangeSet<ChunkIndex>, isKept: Bool) {
        let punched = Mutex((known: RangeSet<ChunkIndex>(), isKept: false))
        await world.offload { [world] in
            let isKept = world.keepJournal()
            do {
                let known = try world.journal.releasedChunks(of: version).intersection(RangeSet(chosen))
                punched.withLock { $0 = (known, isKept) }
                guard isKept else { return }
                let file = try world.spool.open(version)
                // One by one: who asks for the file's size waits for it.
                for range in known.ranges.flatMap({ $0.map(schedule.range(of:)) }) {
                    // Not if the file was cut to nothing meanwhile: then other bytes may be there.
                    try track.whileReleased(range) { () throws(SpoolError) in try file.punch(range) }
                }
            } catch {
                world.log.trouble(
                    "No room could be made in the spool.", ["version": "\(version)", "error": "\(error)"])
            }
        }
        return punched.withLock { $0 }
    }

    // MARK: Who waits

    /// Writers that had to wait too long get an error.
    private func watchWaiting() {
        guard watching == nil, !isStopping, world.spool.gauge.oldestWait != nil else { return }
        watching = Task { [world, patience = settings.spoolPatience] in
            while let oldest = world.spool.gauge.oldestWait {
                let left = oldest + patience - world.stopwatch.elapsed
                if left > .zero {
                    do { try await world.clock.sleep(for: left) } catch { break }
                    continue
                }
                world.spool.gauge.giveUp(
                    since: oldest, FailureSentences.spoolFull(limit: world.spool.gauge.limit, after: patience))
            }
            self.watching = nil
        }
    }
}
