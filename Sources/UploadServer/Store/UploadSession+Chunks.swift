import NIOCore
import Synchronization
import UploadCore

extension UploadSession {
    /// Takes in a chunk: its bytes go to their place in the file as they arrive, and it counts as stored only when
    /// all have arrived and are the right ones. What was stored there before is gone from the start; unless it
    /// is the same: a request that was given up and sent again may arrive late, and must not take away what its
    /// repetition brought.
    ///
    /// Runs on the event loop of its connection: a write to the page cache is cheaper than a change of thread.
    /// - Parameters:
    ///   - length: bytes, not more than the session's chunk size.
    ///   - clock: asked when it begins and when it is done.
    func store(
        _ body: some AsyncSequence<ByteBuffer, any Error>, index: Int, length: Int64, digest: ContentDigest,
        clock: @Sendable () -> Timestamp
    ) async throws(StoreError) {
        let record = ChunkRecord(length: length, digest: digest)
        let lease = try begin(index, unlessStored: record, now: clock())
        defer { lease.map(release) }
        try await BodyIntake.receive(body, length: length, digest: digest) { buffer, offset throws(StoreError) in
            try lease?.write(buffer, at: offset)
        }
        guard let lease else { return }
        try complete(lease, record, now: clock())
        workAhead(lease, length: length)
    }

    /// Whose bytes of this chunk count is decided here, in the order of the calls: the last one's.
    /// - Returns: nil when just this is stored already: there is nothing to write.
    private func begin(_ index: Int, unlessStored record: ChunkRecord, now: Timestamp) throws(StoreError) -> ChunkLease?
    {
        try state.withLock { state throws(StoreError) -> ChunkLease? in
            try state.checkOpen()
            guard state.records[index] != record || state.leases[index] != nil else {
                state.lastUse = max(state.lastUse, now)
                return nil
            }
            let files = try openFiles(&state)
            let lease = ChunkLease(index: index, offset: Int64(index) * parameters.chunkSize, files: files)
            state.leases.updateValue(lease, forKey: index)?.supersede()
            state.lastUse = max(state.lastUse, now)
            do throws(StoreError) {
                try state.drop(index, in: files)
            } catch {
                state.leases[index] = nil
                throw error
            }
            return lease
        }
    }

    private func complete(_ lease: ChunkLease, _ record: ChunkRecord, now: Timestamp) throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            try state.checkOpen()
            guard state.leases[lease.index] === lease else { throw .superseded }
            try state.append(.stored(lease.index, record), to: lease.files)
            state.records[lease.index] = record
            // Together with the record: a late repetition would take it for one that is still being written.
            state.leases[lease.index] = nil
            state.lastUse = max(state.lastUse, now)
        }
    }

    private func release(_ lease: ChunkLease) {
        state.withLock { state in
            if state.leases[lease.index] === lease { state.leases[lease.index] = nil }
        }
    }

    /// What finalize would have to wait for is begun while the other chunks are still travelling: the writing
    /// to disk, and the hash of the whole.
    private func workAhead(_ lease: ChunkLease, length: Int64) {
        let begin = Int64(lease.index) * parameters.chunkSize
        calls.submit { [self] in
            lease.files.data.startWriteback(of: begin..<begin + length)
            advancePrefix(in: lease.files)
        }
    }

    private func advancePrefix(in files: SessionFiles) {
        guard state.withLock({ $0.prefix.begin() }) else { return }
        while var step = state.withLock({ $0.nextStep() }) {
            let begin = Int64(step.index) * parameters.chunkSize
            do throws(StoreError) {
                try files.data.hash(begin..<begin + step.length, into: &step.hasher)
            } catch {
                // Finalize will read it again, and tell whom it concerns if it can't.
                state.withLock { $0.prefix.giveUp() }
                return
            }
            state.withLock { [step] in $0.prefix.accept(step) }
        }
    }
}

extension UploadSession.State {
    fileprivate mutating func nextStep() -> HashedPrefix.Step? {
        switch phase {
        case .open: prefix.next(records[prefix.chunks])
        case .finalizing, .published, .removed: prefix.next(nil)
        }
    }
}
