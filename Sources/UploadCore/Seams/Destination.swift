/// Where files go. Implemented by UploadTransfer, one folder per protocol. What a destination can and
/// can't do is data (`limits`), never a question of which one it is.
///
/// A request that throws may have been carried out. Everything here may be called again, and then
/// has the same effect once. Nothing here retries: that is decided in one place, by the engine.
package protocol Destination: Listing {
    var limits: DestinationLimits { get }

    /// Asks whether it is there and lets us in; reads its limits again where it tells them.
    func probe() async throws(DestinationError)

    /// A whole file in one request. Only for files of at most one chunk.
    /// - Parameter isCurrent: asked (and may throw) after the content was read for its digest and before it is sent: has
    ///   nobody begun to change it? When it says no, nothing is sent, and `cancelled` is thrown. Changes
    ///   after that are found by the digest.
    func put(
        _ object: ObjectDescription, content: any SpoolFile, sent: ByteCounter, isCurrent: CurrencyCheck
    ) async throws(DestinationError) -> PublishReceipt

    /// Begins an upload of chunks. The size may be unknown, and the name may change until `finish`.
    func begin(_ object: ObjectDescription) async throws(DestinationError) -> any UploadSession

    /// Unfinished uploads that an earlier run of ours began; nil when that can't be told.
    func leftBehind() async throws(DestinationError) -> [SessionToken]?

    /// The same for one that can't list them by who began them (`DestinationLimits.wantsIntentions`), and looks where an
    /// earlier run intended to begin one; nil when it may not look. Never one of somebody else's: what can't be told apart is
    /// left alone.
    /// - Parameter known: to be asked after it has looked.
    func leftBehind(
        by intentions: [BeginIntention], known: KnownSessions
    ) async throws(DestinationError) -> LeftBehind?

    /// Bytes of an object that was published, in one request. Only where the limits say `canRead`.
    /// - Parameter range: not empty, and within the object.
    /// - Throws: `objectChanged` when another object has its name by now, `objectGone` when none has.
    func read(_ range: Range<Int64>, of object: ReadableObject) async throws(DestinationError) -> ObjectPiece

    /// What people are to know of it though all goes well; nil: nothing. Asks nobody.
    var remark: String? { get }

    /// Copies an object of ours there to another name: whole or not at all. What has that name is replaced as by `put`.
    /// - Parameter object: what is known of the file under its new name.
    /// - Returns: nil when there is no such object (any more), or another's. Not nil: of its bytes none is missing.
    func copy(_ source: ObjectReference, to object: ObjectDescription) async throws(DestinationError) -> CopiedObject?

    /// Deletes an object of ours. One that is gone, or has become another's, is no error.
    func delete(_ object: ObjectReference) async throws(DestinationError)

    /// Goes on with one that was begun before, perhaps by an earlier process. Asks nobody.
    func resume(_ token: SessionToken, schedule: ChunkSchedule) -> any UploadSession
}

extension Destination {
    package var remark: String? { nil }

    /// For content that nobody can change.
    package func put(
        _ object: ObjectDescription, content: any SpoolFile, sent: ByteCounter
    ) async throws(DestinationError) -> PublishReceipt {
        try await put(object, content: content, sent: sent, isCurrent: { true })
    }
}

/// An unfinished upload at a destination.
package protocol UploadSession: Sendable {
    var token: SessionToken { get }

    /// Sends the bytes of one chunk, read from `content` while they travel. Several chunks may be under way at once.
    /// - Parameter sent: counts bytes as they are handed to the network; a failed attempt takes its bytes back.
    func send(_ chunk: ChunkRef, content: any SpoolFile, sent: ByteCounter) async throws(DestinationError)
        -> StoredChunk

    /// What the destination says it has; nil when it was finished already, and its answer lost: all that was
    /// acknowledged is in what it published, and `finish` tells again what it told then.
    func inventory() async throws(DestinationError) -> [StoredChunk]?

    /// Publishes. All of `chunks` have been acknowledged at these generations.
    /// - Parameter released: those that `content` no longer has; it reads as zeros there.
    func finish(
        _ object: ObjectDescription, content: any SpoolFile, chunks: [ChunkRef], released: RangeSet<ChunkIndex>
    ) async throws(DestinationError) -> PublishReceipt

    /// Tells the destination to forget it. One that is gone is no error.
    func abort() async throws(DestinationError)
}

/// Has nobody begun to change what is being sent? Throws when that can't be told.
package typealias CurrencyCheck = @Sendable () throws(DestinationError) -> Bool

/// A file as a destination gets to know it.
package struct ObjectDescription: Sendable, Hashable {
    package var path: UploadPath
    /// nil while the writer has not closed it.
    package var size: Int64?
    package var contentType: String
    package var modified: Timestamp
    package var mode: UInt32
    /// Grows with each request that publishes, so that a destination can tell an old one that comes late.
    package var order: UInt64

    package init(
        path: UploadPath, size: Int64?, contentType: String, modified: Timestamp, mode: UInt32, order: UInt64 = 0
    ) {
        self.path = path
        self.size = size
        self.contentType = contentType
        self.modified = modified
        self.mode = mode
        self.order = order
    }
}

/// What a destination can do.
package struct DestinationLimits: Sendable, Hashable {
    /// How files are cut, by content type: the first prefix that fits ("video/"), else `schedule`.
    package var schedule: ChunkSchedule
    package var schedulesByType: [String: ChunkSchedule]
    /// Chunks of one file under way at once.
    package var parallelChunks: Int
    /// A chunk that is there may be sent again with other bytes.
    package var canReplaceChunk: Bool
    /// The name given to `finish` holds, whatever `begin` was told.
    package var namesAtFinish: Bool
    /// What is published there can be copied to another name.
    package var canCopy: Bool
    /// And be deleted.
    package var canDelete: Bool
    /// Bytes; nil when there is no limit.
    package var maximumFileSize: Int64?
    package var types: ContentRules
    /// Unfinished uploads are found again only by the journal's intentions.
    package var wantsIntentions = false
    /// What was published can be read, a range at a time.
    package var canRead = false
    /// It tells what lies there.
    package var canList = false

    package init(
        schedule: ChunkSchedule, schedulesByType: [String: ChunkSchedule] = [:], parallelChunks: Int,
        canReplaceChunk: Bool, namesAtFinish: Bool, maximumFileSize: Int64? = nil, types: ContentRules = ContentRules(),
        canCopy: Bool = false, canDelete: Bool = false
    ) {
        self.canCopy = canCopy
        self.canDelete = canDelete
        self.types = types
        self.schedule = schedule
        self.schedulesByType = schedulesByType
        self.parallelChunks = parallelChunks
        self.canReplaceChunk = canReplaceChunk
        self.namesAtFinish = namesAtFinish
        self.maximumFileSize = maximumFileSize
    }

    /// A rename of what is published can be carried out.
    package var canMove: Bool { canCopy && canDelete }

    package func schedule(for contentType: String) -> ChunkSchedule {
        schedulesByType.first { contentType.hasPrefix($0.key) }?.value ?? schedule
    }
}
