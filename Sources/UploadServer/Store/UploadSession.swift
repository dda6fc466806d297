import Synchronization
import UploadCore

/// One unfinished upload: which chunks are there, who is writing which, and how far the whole is hashed.
/// What it knows is in its directory too before anybody is told so; `+Chunks` and `+Finalize` say how.
final class UploadSession: Sendable {
    let id: SessionIdentifier
    let parameters: SessionParameters
    /// Where its directory lies.
    private let incoming: OpenFile
    let calls: BlockingCalls

    let state: Mutex<State>

    struct State {
        var phase: Phase
        var records: [Int: ChunkRecord]
        /// Bytes of the chunk log that are good: the next line goes there.
        var logLength: Int64
        var lastUse: Timestamp
        var leases: [Int: ChunkLease] = [:]
        var prefix = HashedPrefix()
        weak var files: SessionFiles?
    }

    enum Phase {
        /// Takes chunks. Followed by finalizing, removed.
        case open
        /// Chunks are not taken. Followed by open (something was missing or wrong), published.
        case finalizing(Task<Result<PublishedObject, StoreError>, Never>)
        /// Final, until it is forgotten.
        case published(PublishedObject)
        /// Aborted or expired. Final.
        case removed
    }

    init(
        id: SessionIdentifier, parameters: SessionParameters, incoming: OpenFile, calls: BlockingCalls,
        phase: Phase, records: [Int: ChunkRecord], logLength: Int64, lastUse: Timestamp
    ) {
        self.id = id
        self.parameters = parameters
        self.incoming = incoming
        self.calls = calls
        state = Mutex(State(phase: phase, records: records, logLength: logLength, lastUse: lastUse))
    }

    /// - Parameter state: whose lock the caller holds, so that everybody uses the same descriptors.
    func openFiles(_ state: inout State) throws(StoreError) -> SessionFiles {
        if let files = state.files { return files }
        let files = try SessionFiles(of: id, in: incoming)
        state.files = files
        return files
    }

    var lastUse: Timestamp { state.withLock(\.lastUse) }

    func touch(_ now: Timestamp) {
        state.withLock { $0.lastUse = max($0.lastUse, now) }
    }

    /// Every chunk that is stored, in order.
    func inventory() -> [(index: Int, record: ChunkRecord)] {
        state.withLock { state in
            state.records.map { (index: $0.key, record: $0.value) }
        }.sorted { $0.index < $1.index }
    }

    /// Nobody has used it since `deadline`, and nobody does now.
    func isIdle(since deadline: Timestamp) -> Bool {
        state.withLock { state in
            switch state.phase {
            case .finalizing: false
            case .open, .published, .removed: state.leases.isEmpty && state.lastUse <= deadline
            }
        }
    }

    /// Ends it: after this no request writes to it. One that is being finalized is let finish first.
    func close() async {
        while let running = closeUnlessFinalizing() {
            _ = await running.value
        }
    }

    private func closeUnlessFinalizing() -> Task<Result<PublishedObject, StoreError>, Never>? {
        state.withLock { state in
            switch state.phase {
            case .finalizing(let task):
                return task
            case .open, .published, .removed:
                state.endLeases()
                state.phase = .removed
                return nil
            }
        }
    }
}

extension UploadSession.State {
    mutating func endLeases() {
        for lease in leases.values { lease.supersede() }
        leases = [:]
    }

    func checkOpen() throws(StoreError) {
        switch phase {
        case .open: return
        case .finalizing, .published: throw .sessionClosed
        case .removed: throw .unknownSession
        }
    }

    /// Writes a line to the chunk log. One that could not be written whole is not counted as there, and
    /// the next is written over it.
    mutating func append(_ entry: ChunkLog.Entry, to files: SessionFiles) throws(StoreError) {
        let line = Array(ChunkLog.line(entry).utf8)
        try files.log.write(line, at: logLength)
        logLength += Int64(line.count)
    }

    /// The chunk is not stored any more; on disk first.
    mutating func drop(_ index: Int, in files: SessionFiles) throws(StoreError) {
        if records[index] != nil {
            try append(.dropped(index), to: files)
            records[index] = nil
        }
        prefix.invalidate(index)
    }
}
