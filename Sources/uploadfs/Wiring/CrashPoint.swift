import Glibc
import Synchronization
import UploadCore

/// For the crash harness: ends this process by SIGKILL at a named point, the so-many-th time that it is passed.
/// Set by `UPLOADFS_CRASH_POINT=NAME:COUNT`; without it none of this is in the way of anything. With `NAME:COUNT:hang`
/// the call never comes back instead, as from a disk that is gone.
///
/// | name | where |
/// | --- | --- |
/// | `journal.before`, `journal.after` | around each transaction of the journal |
/// | `request.before`, `request.after` | around each request to the destination but probes: nobody has heard of the answer |
/// | `spool.before`, `spool.after` | around making, copying, removing spool files and bringing them to the disk |
final class CrashPoint: Sendable {
    private let name: String
    private let left: Atomic<Int>
    private let hangs: Bool

    /// - Returns: nil when none is set.
    static func fromEnvironment() throws(CommandFailure) -> CrashPoint? {
        guard let text = Environment.value("UPLOADFS_CRASH_POINT") else { return nil }
        let parts = text.split(separator: ":")
        let hangs = parts.count == 3 && parts[2] == "hang"
        guard parts.count == 2 || hangs, let count = Int(parts[1]), count > 0 else {
            throw CommandFailure(
                .configuration, "UPLOADFS_CRASH_POINT is \"\(text)\", but must be NAME:COUNT, or NAME:COUNT:hang.")
        }
        return CrashPoint(String(parts[0]), count, hangs)
    }

    private init(_ name: String, _ count: Int, _ hangs: Bool) {
        self.name = name
        self.hangs = hangs
        left = Atomic(count)
    }

    enum Place: String {
        case journal, request, spool
    }

    func around<Answer, Problem: Error>(
        _ place: Place, _ work: () throws(Problem) -> Answer
    ) throws(Problem) -> Answer {
        pass(place, "before")
        let answer = try work()
        pass(place, "after")
        return answer
    }

    func around<Answer: Sendable, Problem: Error>(
        _ place: Place, _ work: () async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        pass(place, "before")
        let answer = try await work()
        pass(place, "after")
        return answer
    }

    private func pass(_ place: Place, _ side: String) {
        guard name == "\(place.rawValue).\(side)", left.subtract(1, ordering: .relaxed).newValue == 0 else { return }
        if !hangs { kill(getpid(), SIGKILL) }
        // The signal is there before kill(2) returns to this thread.
        while true { pause() }
    }
}

/// A journal that may be the last thing this process does.
struct CrashingJournal: Journal {
    let journal: any Journal
    let point: CrashPoint

    func apply(_ changes: [JournalChange]) throws(JournalError) {
        try point.around(.journal) { () throws(JournalError) in try journal.apply(changes) }
    }

    func synchronize() throws(JournalError) { try journal.synchronize() }
    func node(_ file: FileID) throws(JournalError) -> NodeRecord? { try journal.node(file) }
    func child(_ name: FileName, of parent: FileID) throws(JournalError) -> NodeRecord? {
        try journal.child(name, of: parent)
    }
    func children(of parent: FileID, after: FileName?, limit: Int) throws(JournalError) -> [NodeRecord] {
        try journal.children(of: parent, after: after, limit: limit)
    }
    func children(of parent: FileID, named names: [FileName]) throws(JournalError) -> [NodeRecord] {
        try journal.children(of: parent, named: names)
    }
    func unlisted(
        in parent: FileID, before listing: Int64, after: FileName?, limit: Int
    ) throws(JournalError) -> [NodeRecord] {
        try journal.unlisted(in: parent, before: listing, after: after, limit: limit)
    }
    func lastListing() throws(JournalError) -> Int64 { try journal.lastListing() }
    func hasPublishedDescendant(_ directory: FileID) throws(JournalError) -> Bool {
        try journal.hasPublishedDescendant(directory)
    }
    func hardLinksBehind() throws(JournalError) -> [NodeRecord] { try journal.hardLinksBehind() }
    func symbolicLinks() throws(JournalError) -> [NodeRecord] { try journal.symbolicLinks() }
    func symbolicLinks(through steps: [String]) throws(JournalError) -> [NodeRecord] {
        try journal.symbolicLinks(through: steps)
    }
    func symbolicLinksUnpublished() throws(JournalError) -> [NodeRecord] { try journal.symbolicLinksUnpublished() }
    func hardLinks(of file: FileID) throws(JournalError) -> [NodeRecord] { try journal.hardLinks(of: file) }
    func extendedAttribute(_ name: String, of file: FileID) throws(JournalError) -> [UInt8]? {
        try journal.extendedAttribute(name, of: file)
    }
    func extendedAttributeNames(of file: FileID) throws(JournalError) -> [String] {
        try journal.extendedAttributeNames(of: file)
    }
    func highestIdentifiers() throws(JournalError) -> (file: FileID, version: VersionID) {
        try journal.highestIdentifiers()
    }
    func upload(_ version: VersionID) throws(JournalError) -> UploadRecord? { try journal.upload(version) }
    func newestUpload(of file: FileID) throws(JournalError) -> UploadRecord? { try journal.newestUpload(of: file) }
    func uploads(of file: FileID) throws(JournalError) -> [UploadRecord] { try journal.uploads(of: file) }
    func supersededUploads() throws(JournalError) -> [VersionID: VersionID?] { try journal.supersededUploads() }
    func unfinishedPaths() throws(JournalError) -> [FileID: UploadPath] { try journal.unfinishedPaths() }
    func shelf(beyond count: Int) throws(JournalError) -> Shelf { try journal.shelf(beyond: count) }
    func unfinishedUploads(besides shelf: Shelf) throws(JournalError) -> [UploadRecord] {
        try journal.unfinishedUploads(besides: shelf)
    }
    func storedChunks(of version: VersionID) throws(JournalError) -> [StoredChunk] {
        try journal.storedChunks(of: version)
    }
    func releasedChunks(of version: VersionID) throws(JournalError) -> RangeSet<ChunkIndex> {
        try journal.releasedChunks(of: version)
    }
    func chunkTotals() throws(JournalError) -> [VersionID: ChunkTotals] { try journal.chunkTotals() }
    func evictableUploads(limit: Int) throws(JournalError) -> [UploadRecord] {
        try journal.evictableUploads(limit: limit)
    }
    func prunable(before moment: Timestamp, beyond count: Int, limit: Int) throws(JournalError) -> [UploadRecord] {
        try journal.prunable(before: moment, beyond: count, limit: limit)
    }
    func spooledVersions() throws(JournalError) -> [VersionID] { try journal.spooledVersions() }
    func publishedUnmarked() throws(JournalError) -> [UploadRecord] { try journal.publishedUnmarked() }
    func evictableBytes() throws(JournalError) -> Int64 { try journal.evictableBytes() }
    func finishedTotals() throws(JournalError) -> (files: Int, bytes: Int64) { try journal.finishedTotals() }
    func owedAborts() throws(JournalError) -> [SessionToken] { try journal.owedAborts() }
    func intentions() throws(JournalError) -> [BeginIntention] { try journal.intentions() }
    func owedMoves(after number: Int64) throws(JournalError) -> [OwedMove] { try journal.owedMoves(after: number) }
    func owedMove(_ number: Int64) throws(JournalError) -> OwedMove? { try journal.owedMove(number) }
    func owedMove(of file: FileID) throws(JournalError) -> OwedMove? { try journal.owedMove(of: file) }
    func owedMove(from path: UploadPath) throws(JournalError) -> OwedMove? { try journal.owedMove(from: path) }
    func fact(_ name: String) throws(JournalError) -> String? { try journal.fact(name) }
}

/// A destination whose answers nobody may live to hear.
struct CrashingDestination: Destination {
    let destination: any Destination
    let point: CrashPoint

    var limits: DestinationLimits { destination.limits }
    var remark: String? { destination.remark }

    func probe() async throws(DestinationError) { try await destination.probe() }

    func read(_ range: Range<Int64>, of object: ReadableObject) async throws(DestinationError) -> ObjectPiece {
        try await point.around(.request) { () async throws(DestinationError) in
            try await destination.read(range, of: object)
        }
    }

    func list(_ directory: UploadPath, after mark: ListingMark?) async throws(DestinationError) -> ListingPage {
        try await destination.list(directory, after: mark)
    }

    func find(_ name: FileName, in directory: UploadPath) async throws(DestinationError) -> [ListedEntry] {
        try await destination.find(name, in: directory)
    }

    func leftBehind() async throws(DestinationError) -> [SessionToken]? {
        try await point.around(.request) { () async throws(DestinationError) in try await destination.leftBehind() }
    }

    func leftBehind(
        by intentions: [BeginIntention], known: KnownSessions
    ) async throws(DestinationError) -> LeftBehind? {
        try await point.around(.request) { () async throws(DestinationError) in
            try await destination.leftBehind(by: intentions, known: known)
        }
    }

    func put(
        _ object: ObjectDescription, content: any SpoolFile, sent: ByteCounter, isCurrent: CurrencyCheck
    ) async throws(DestinationError) -> PublishReceipt {
        try await point.around(.request) { () async throws(DestinationError) in
            try await destination.put(object, content: content, sent: sent, isCurrent: isCurrent)
        }
    }

    func copy(
        _ source: ObjectReference, to object: ObjectDescription
    ) async throws(DestinationError) -> CopiedObject? {
        try await point.around(.request) { () async throws(DestinationError) in
            try await destination.copy(source, to: object)
        }
    }

    func delete(_ object: ObjectReference) async throws(DestinationError) {
        try await point.around(.request) { () async throws(DestinationError) in try await destination.delete(object) }
    }

    func begin(_ object: ObjectDescription) async throws(DestinationError) -> any UploadSession {
        let session = try await point.around(.request) { () async throws(DestinationError) in
            try await destination.begin(object)
        }
        return CrashingSession(session: session, point: point)
    }

    func resume(_ token: SessionToken, schedule: ChunkSchedule) -> any UploadSession {
        CrashingSession(session: destination.resume(token, schedule: schedule), point: point)
    }
}

struct CrashingSession: UploadSession {
    let session: any UploadSession
    let point: CrashPoint

    var token: SessionToken { session.token }

    func send(
        _ chunk: ChunkRef, content: any SpoolFile, sent: ByteCounter
    ) async throws(DestinationError) -> StoredChunk {
        try await point.around(.request) { () async throws(DestinationError) in
            try await session.send(chunk, content: content, sent: sent)
        }
    }

    func inventory() async throws(DestinationError) -> [StoredChunk]? {
        try await point.around(.request) { () async throws(DestinationError) in try await session.inventory() }
    }

    func finish(
        _ object: ObjectDescription, content: any SpoolFile, chunks: [ChunkRef], released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> PublishReceipt {
        try await point.around(.request) { () async throws(DestinationError) in
            try await session.finish(object, content: content, chunks: chunks, released: released)
        }
    }

    func abort() async throws(DestinationError) {
        try await point.around(.request) { () async throws(DestinationError) in try await session.abort() }
    }
}

/// A spool that may be left with a file too many.
struct CrashingSpool: Spool {
    let spool: any Spool
    let point: CrashPoint

    var gauge: SpoolGauge { spool.gauge }

    func create(_ version: VersionID) throws(SpoolError) -> any SpoolFile {
        try point.around(.spool) { () throws(SpoolError) in try spool.create(version) }
    }

    func copy(_ original: any SpoolFile, to new: VersionID) throws(SpoolError) -> (any SpoolFile)? {
        try point.around(.spool) { () throws(SpoolError) in try spool.copy(original, to: new) }
    }

    func link(_ original: VersionID, to new: VersionID) throws(SpoolError) {
        try point.around(.spool) { () throws(SpoolError) in try spool.link(original, to: new) }
    }

    func open(_ version: VersionID) throws(SpoolError) -> any SpoolFile { try spool.open(version) }

    func remove(_ version: VersionID) throws(SpoolError) {
        try point.around(.spool) { () throws(SpoolError) in try spool.remove(version) }
    }

    func isSame(_ one: VersionID, as other: VersionID) -> Bool { spool.isSame(one, as: other) }
    func isLinked(_ version: VersionID) -> Bool { spool.isLinked(version) }
    func sharing(with version: VersionID) throws(SpoolError) -> [VersionID] { try spool.sharing(with: version) }
    func size(of version: VersionID) throws(SpoolError) -> Int64 { try spool.size(of: version) }
    func occupied(by version: VersionID) -> Int64 { spool.occupied(by: version) }
    func versions() throws(SpoolError) -> [VersionID] { try spool.versions() }
    func synchronize(_ versions: [VersionID]) -> Synchronized {
        point.around(.spool) { spool.synchronize(versions) }
    }
    func capacity(evictable: Int64) throws(SpoolError) -> SpoolCapacity {
        try spool.capacity(evictable: evictable)
    }
}
