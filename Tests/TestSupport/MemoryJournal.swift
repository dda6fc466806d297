import Synchronization
package import UploadCore

/// A journal in memory that behaves as the real one, can be made to fail, and remembers what was
/// applied in which order.
package final class MemoryJournal: Journal {
    struct State {
        var nodes: [FileID: NodeRecord]
        var attributes: [FileID: [String: [UInt8]]] = [:]
        var uploads: [VersionID: UploadRecord] = [:]
        var published: [VersionID: Timestamp] = [:]
        var chunks: [VersionID: [ChunkIndex: StoredChunk]] = [:]
        var released: [VersionID: RangeSet<ChunkIndex>] = [:]
        var owed: Set<SessionToken> = []
        var intentions: [Int: BeginIntention] = [:]
        var moves: [Int64: OwedMove] = [:]
        var lastMove: Int64 = 0
        var facts: [String: String] = [:]
        var highest = (file: FileID(0), version: VersionID(0))
        var finished = (files: 0, bytes: Int64(0))
        var lastListing: Int64 = 0
    }

    private struct Guarded {
        var state: State
        var applied: [[JournalChange]] = []
        var error: JournalError?
        var applying: JournalError?
        var synchronized = 0
        var synchronizing: JournalError?
    }

    private let guarded: Mutex<Guarded>

    /// - Parameter now: the times of the root directory.
    package init(now: Timestamp = Timestamp(seconds: 1_750_000_000)) {
        let attributes = NodeAttributes(mode: 0o700, owner: 0, group: 0, accessed: now, modified: now, changed: now)
        let root = NodeRecord(file: .root, parent: .root, name: nil, kind: .directory, attributes: attributes)
        guarded = Mutex(Guarded(state: State(nodes: [.root: root])))
    }

    /// What every call throws from now on; nil: nothing.
    package func fail(with error: JournalError?) {
        guarded.withLock { $0.error = error }
    }

    /// What `apply` throws from now on; nil: nothing.
    package func failApplying(with error: JournalError?) {
        guarded.withLock { $0.applying = error }
    }

    /// What `synchronize` throws from now on; nil: nothing.
    package func failSynchronizing(with error: JournalError?) {
        guarded.withLock { $0.synchronizing = error }
    }

    /// Every `apply` that succeeded, in order.
    package var applied: [[JournalChange]] { guarded.withLock(\.applied) }

    /// How often `synchronize` succeeded.
    package var synchronizations: Int { guarded.withLock(\.synchronized) }

    package func apply(_ changes: [JournalChange]) throws(JournalError) {
        let outcome: Result<Void, JournalError> = guarded.withLock { guarded in
            if let error = guarded.error ?? guarded.applying { return .failure(error) }
            do throws(JournalError) {
                var state = guarded.state
                for change in changes { try state.apply(change) }
                guarded.state = state
            } catch {
                return .failure(error)
            }
            guarded.applied.append(changes)
            return .success(())
        }
        try outcome.get()
    }

    package func synchronize() throws(JournalError) {
        if let error = guarded.withLock({ $0.error ?? $0.synchronizing }) { throw error }
        guarded.withLock { $0.synchronized += 1 }
    }

    func read<Value>(_ body: (State) -> Value) throws(JournalError) -> Value {
        let (state, error) = guarded.withLock { ($0.state, $0.error) }
        if let error { throw error }
        return body(state)
    }

    // MARK: The tree

    package func node(_ file: FileID) throws(JournalError) -> NodeRecord? {
        try read { $0.nodes[file] }
    }

    package func child(_ name: FileName, of parent: FileID) throws(JournalError) -> NodeRecord? {
        try read { $0.nodes.values.first { $0.parent == parent && $0.name == name } }
    }

    package func children(
        of parent: FileID, after: FileName?, limit: Int
    ) throws(JournalError) -> [NodeRecord] {
        try read { state in
            var named: [(name: FileName, node: NodeRecord)] = []
            for node in state.nodes.values where node.parent == parent {
                guard let name = node.name else { continue }
                if let after, name <= after { continue }
                named.append((name, node))
            }
            return Array(named.sorted { $0.name < $1.name }.map(\.node).prefix(limit))
        }
    }

    package func hasPublishedDescendant(_ directory: FileID) throws(JournalError) -> Bool {
        try read { state in
            var open = [directory]
            while let parent = open.popLast() {
                for node in state.nodes.values where node.parent == parent && node.file != .root {
                    if node.isPublished || node.listed != nil { return true }
                    if node.kind == .directory { open.append(node.file) }
                }
            }
            return false
        }
    }

    package func hardLinks(of file: FileID) throws(JournalError) -> [NodeRecord] {
        try read { $0.nodes.values.filter { $0.hardLinkOf == file }.sorted { $0.file < $1.file } }
    }

    package func hardLinksBehind() throws(JournalError) -> [NodeRecord] {
        try read { state in
            state.nodes.values.filter { link in
                guard link.kind == .file, let first = link.hardLinkOf.flatMap({ state.nodes[$0] }),
                    let upload = first.version.flatMap({ state.uploads[$0] }), upload.isSpooled,
                    let close = upload.closed
                else { return false }
                let own = link.version.flatMap { state.uploads[$0] }
                return (own.map(\.closed) ?? link.given) != close && link.declined != close
            }.sorted { $0.file < $1.file }
        }
    }

    package func symbolicLinks() throws(JournalError) -> [NodeRecord] {
        try read { $0.nodes.values.filter { $0.kind == .link }.sorted { $0.file < $1.file } }
    }

    package func symbolicLinks(through steps: [String]) throws(JournalError) -> [NodeRecord] {
        let wanted = Set(steps.map { Array($0.utf8) })
        return try symbolicLinks().filter { link in link.targetSteps.contains { wanted.contains(Array($0.utf8)) } }
    }

    package func symbolicLinksUnpublished() throws(JournalError) -> [NodeRecord] {
        let uploads = try read(\.uploads)
        return try symbolicLinks().filter { link in
            guard let upload = link.version.flatMap({ uploads[$0] }) else { return false }
            return ![.done, .cancelled].contains(upload.phase)
        }
    }

    package func extendedAttribute(_ name: String, of file: FileID) throws(JournalError) -> [UInt8]? {
        try read { $0.attributes[file]?[name] }
    }

    package func extendedAttributeNames(of file: FileID) throws(JournalError) -> [String] {
        try read { ($0.attributes[file] ?? [:]).keys.sorted() }
    }

    package func highestIdentifiers() throws(JournalError) -> (file: FileID, version: VersionID) {
        try read(\.highest)
    }

    // MARK: Uploads

    package func upload(_ version: VersionID) throws(JournalError) -> UploadRecord? {
        try read { $0.uploads[version] }
    }

    package func newestUpload(of file: FileID) throws(JournalError) -> UploadRecord? {
        try read { $0.uploads.values.filter { $0.file == file }.max { $0.version < $1.version } }
    }

    package func uploads(of file: FileID) throws(JournalError) -> [UploadRecord] {
        try read { state in
            state.uploads.values.filter { $0.file == file }.sorted { $0.version < $1.version }
        }
    }

    package func supersededUploads() throws(JournalError) -> [VersionID: VersionID?] {
        try read { state in
            var superseded: [VersionID: VersionID?] = [:]
            for upload in state.uploads.values where upload.phase != .done && upload.phase != .cancelled {
                let newest = state.uploads.values.filter {
                    $0.file == upload.file && $0.version > upload.version && $0.closedSize != nil
                }.map(\.version).max()
                let isTakenBack = state.nodes[upload.file]?.version.map { $0 < upload.version } ?? false
                if newest != nil || isTakenBack { superseded.updateValue(newest, forKey: upload.version) }
            }
            return superseded
        }
    }

    package func unfinishedPaths() throws(JournalError) -> [FileID: UploadPath] {
        let unfinished = try unfinishedUploads()
        return try read { state in
            var paths: [FileID: UploadPath] = [:]
            for file in Set(unfinished.map(\.file)) {
                var names: [FileName] = []
                var next = file
                while next != .root, let node = state.nodes[next], let name = node.name {
                    names.insert(name, at: 0)
                    next = node.parent
                }
                if next == .root, !names.isEmpty { paths[file] = UploadPath(names) }
            }
            return paths
        }
    }

    package func storedChunks(of version: VersionID) throws(JournalError) -> [StoredChunk] {
        try read { ($0.chunks[version] ?? [:]).values.sorted { $0.index < $1.index } }
    }

    package func releasedChunks(of version: VersionID) throws(JournalError) -> RangeSet<ChunkIndex> {
        try read { $0.released[version] ?? RangeSet() }
    }

    package func chunkTotals() throws(JournalError) -> [VersionID: ChunkTotals] {
        try read { state in
            Dictionary(
                uniqueKeysWithValues: state.chunks.map { version, chunks in
                    (
                        version,
                        ChunkTotals(
                            count: chunks.count, bytes: chunks.values.reduce(0) { $0 + $1.length },
                            isPartlyReleased: state.released[version] != nil)
                    )
                })
        }
    }

    package func evictableUploads(limit: Int) throws(JournalError) -> [UploadRecord] {
        try read { state in
            let evictable = state.uploads.values.filter { $0.phase == .done && $0.isSpooled }
            let epoch = Timestamp(nanoseconds: 0)
            return Array(
                evictable.sorted { ($0.finished ?? epoch, $0.version) < ($1.finished ?? epoch, $1.version) }
                    .prefix(limit))
        }
    }

    package func prunable(
        before moment: Timestamp, beyond count: Int, limit: Int
    ) throws(JournalError) -> [UploadRecord] {
        try read { state in
            let done = state.uploads.values.filter { $0.phase == .done && $0.finished != nil }
                .sorted { ($0.finished ?? moment, $0.version) < ($1.finished ?? moment, $1.version) }
            let surplus = max(0, done.count - count)
            return Array(
                done.enumerated().filter { $0.offset < surplus || ($0.element.finished ?? moment) < moment }
                    .map(\.element).prefix(limit))
        }
    }

    package func spooledVersions() throws(JournalError) -> [VersionID] {
        try read { $0.uploads.values.filter(\.isSpooled).map(\.version) }
    }

    package func publishedUnmarked() throws(JournalError) -> [UploadRecord] {
        try read { $0.uploads.values.filter { $0.phase == .done && $0.isSpooled && $0.durable != $0.closed } }
    }

    package func evictableBytes() throws(JournalError) -> Int64 {
        try read { state in
            state.uploads.values.filter { $0.phase == .done && $0.isSpooled }
                .reduce(0) { $0 + ($1.receipt?.size ?? 0) }
        }
    }

    package func finishedTotals() throws(JournalError) -> (files: Int, bytes: Int64) {
        try read(\.finished)
    }

    package func owedAborts() throws(JournalError) -> [SessionToken] {
        try read { $0.owed.sorted { $0.rawValue < $1.rawValue } }
    }

    package func intentions() throws(JournalError) -> [BeginIntention] {
        try read { $0.intentions.values.sorted { $0.number < $1.number } }
    }

    package func fact(_ name: String) throws(JournalError) -> String? {
        try read { $0.facts[name] }
    }
}
