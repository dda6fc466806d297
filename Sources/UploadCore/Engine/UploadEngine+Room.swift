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
        guard makingRoom == nil, !isStopping, world.spool.gauge.isPressed else { return }
        makingRoom = Task {
            await self.evict()
            self.releaseStored()
            self.makingRoom = nil
        }
    }

    // MARK: What is published

    private func evict() async {
        var kept = 0
        while !isStopping, world.spool.gauge.excess > 0 {
            let candidates: [UploadRecord]
            do throws(JournalError) {
                candidates = Array(try world.journal.evictableUploads(limit: kept + 32).dropFirst(kept))
            } catch {
                return world.log.trouble(FailureSentences.journal(error).reason, [:])
            }
            guard !candidates.isEmpty else { return }
            for record in candidates where world.spool.gauge.excess > 0 {
                if await !evict(record) { kept += 1 }
            }
        }
    }

    /// - Returns: whether it is gone; not when somebody writes to it.
    func evict(_ record: UploadRecord) async -> Bool {
        do throws(JournalError) {
            guard try world.names.evict(record.file, record.version) else { return false }
        } catch {
            world.log.trouble(FailureSentences.journal(error).reason, [:])
            return false
        }
        world.spool.gauge.addEvictable(-(record.receipt?.size ?? 0))
        // Of a big file it takes a while.
        await world.offload { [world] in
            do throws(SpoolError) {
                try world.spool.remove(record.version)
            } catch {
                world.log.trouble(FailureSentences.spool(error).reason, ["version": "\(record.version)"])
            }
        }
        return true
    }

    /// Published, with a part that has left the spool: what is left of it here is of no use.
    func evictRemains(of version: VersionID) {
        Task {
            do throws(JournalError) {
                if let record = try world.journal.upload(version) { _ = await evict(record) }
            } catch {
                world.log.trouble(FailureSentences.journal(error).reason, [:])
            }
        }
    }

    // MARK: What is stored

    /// The biggest streams give first.
    func releaseStored() {
        guard world.spool.gauge.isPressed else { return }
        let streams = uploads.values.filter { $0.track != nil && !$0.machine.plan.releasable.isEmpty }
            .sorted { $0.machine.plan.acknowledged > $1.machine.plan.acknowledged }
        for stream in streams {
            for range in stream.machine.plan.releasable.ranges {
                guard world.spool.gauge.excess > 0 else { return }
                release(range, of: stream.machine.version)
            }
        }
    }

    private func release(_ indexes: Range<ChunkIndex>, of version: VersionID) {
        guard let upload = uploads[version], let track = upload.track, let lowest = indexes.first else { return }
        let schedule = upload.machine.plan.schedule
        var end = lowest
        var bytes: Int64 = 0
        while end < indexes.upperBound, bytes < world.spool.gauge.excess {
            let range = schedule.range(of: end)
            // A writer is there, or was and the engine has not heard of it yet.
            guard track.release(range) else { break }
            bytes += Int64(range.count)
            end += 1
        }
        guard lowest < end else { return }
        uploads[version]?.machine.release(lowest..<end)
        // Journalled first: what the journal does not know to be gone would be read as zeros after a crash.
        guard record([.released(version, lowest..<end)]) else { return }
        do throws(SpoolError) {
            let range = schedule.range(of: lowest).lowerBound..<schedule.range(of: end - 1).upperBound
            try world.spool.open(version).punch(range)
        } catch {
            world.log.trouble(FailureSentences.spool(error).reason, ["version": "\(version)"])
        }
    }

    // MARK: Who waits

    /// Writers that had to wait too long get an error.
    private func watchWaiting() {
        guard watching == nil, !isStopping, world.spool.gauge.oldestWait != nil else { return }
        watching = Task { [world, patience = settings.spoolPatience] in
            while let oldest = world.spool.gauge.oldestWait {
                let left = oldest.advanced(by: patience).nanoseconds - world.now().nanoseconds
                if left > 0 {
                    do { try await world.clock.sleep(for: .nanoseconds(left)) } catch { break }
                    continue
                }
                world.spool.gauge.giveUp(
                    since: oldest, FailureSentences.spoolFull(limit: world.spool.gauge.limit, after: patience))
            }
            self.watching = nil
        }
    }
}
