/// What must survive us: the tree of the mount and every upload. Implemented by UploadStore/Journal.
///
/// All methods are synchronous, short (no network, no fsync unless asked) and callable from any
/// thread. What `apply` returned from survives kill -9.
package protocol Journal: ListingJournal {
    /// Makes all the changes, or none: one transaction, in the order given.
    func apply(_ changes: [JournalChange]) throws(JournalError)

    /// On stable storage when it returns: everything applied before.
    func synchronize() throws(JournalError)

    // The tree.

    func node(_ file: FileID) throws(JournalError) -> NodeRecord?
    func child(_ name: FileName, of parent: FileID) throws(JournalError) -> NodeRecord?
    /// In byte order of their names, those after `after`, at most `limit`.
    func children(of parent: FileID, after: FileName?, limit: Int) throws(JournalError) -> [NodeRecord]
    /// Is anything below this directory (at any depth) published, or was it listed? Renaming it would then leave
    /// objects behind.
    func hasPublishedDescendant(_ directory: FileID) throws(JournalError) -> Bool
    /// The further names of a node, oldest first.
    func hardLinks(of file: FileID) throws(JournalError) -> [NodeRecord]
    /// Further names that have not got the last close of their node, though its bytes are here.
    func hardLinksBehind() throws(JournalError) -> [NodeRecord]
    /// All symbolic links, oldest first.
    func symbolicLinks() throws(JournalError) -> [NodeRecord]
    /// Those of them whose target goes through one of these names, at any place. Names are equal when their bytes are.
    func symbolicLinks(through steps: [String]) throws(JournalError) -> [NodeRecord]
    /// Those of them that have a version which is not published, wherever they lead.
    func symbolicLinksUnpublished() throws(JournalError) -> [NodeRecord]
    func extendedAttribute(_ name: String, of file: FileID) throws(JournalError) -> [UInt8]?
    func extendedAttributeNames(of file: FileID) throws(JournalError) -> [String]
    /// The highest numbers ever given out, also to what is gone since: (0, 0) for a new journal.
    func highestIdentifiers() throws(JournalError) -> (file: FileID, version: VersionID)

    // Uploads.

    func upload(_ version: VersionID) throws(JournalError) -> UploadRecord?
    /// The time of a version's last close, as long as that holds. Asked for with every request that publishes.
    func close(of version: VersionID) throws(JournalError) -> Timestamp?
    /// The newest version of a file.
    func newestUpload(of file: FileID) throws(JournalError) -> UploadRecord?
    /// All of a file's versions, oldest first.
    func uploads(of file: FileID) throws(JournalError) -> [UploadRecord]
    /// Unfinished versions of whose file a newer one has been closed, with the newest that was; or (then nil) that
    /// are newer than what the tree has: somebody took them back.
    func supersededUploads() throws(JournalError) -> [VersionID: VersionID?]
    /// Of the versions that only wait for their turn those behind the first `count`: closed, on stable storage, the
    /// tree's own, the only unfinished ones of their files, and nothing of them has been sent.
    func shelf(beyond count: Int) throws(JournalError) -> Shelf
    /// Every version that is neither done nor cancelled, nor on that shelf: the oldest first.
    func unfinishedUploads(besides shelf: Shelf) throws(JournalError) -> [UploadRecord]
    /// Where the files of `unfinishedUploads` lie, of as many as can be told at once.
    func unfinishedPaths() throws(JournalError) -> [FileID: UploadPath]
    func storedChunks(of version: VersionID) throws(JournalError) -> [StoredChunk]
    /// Of `storedChunks` those whose bytes are no longer in the spool.
    func releasedChunks(of version: VersionID) throws(JournalError) -> RangeSet<ChunkIndex>
    /// Of every version that has any, `storedChunks` in sum.
    func chunkTotals() throws(JournalError) -> [VersionID: ChunkTotals]
    /// Published versions whose bytes are in the spool: those published first, at most `limit`.
    func evictableUploads(limit: Int) throws(JournalError) -> [UploadRecord]
    /// Published versions that were finished before `moment`, or are not among the newest `count`: the oldest first,
    /// at most `limit`.
    func prunable(before moment: Timestamp, beyond count: Int, limit: Int) throws(JournalError) -> [UploadRecord]
    /// Every version whose bytes are in the spool, in no order.
    func spooledVersions() throws(JournalError) -> [VersionID]
    /// Published versions whose bytes are in the spool, and not marked as durable.
    func publishedUnmarked() throws(JournalError) -> [UploadRecord]
    /// The bytes of all of `evictableUploads`.
    func evictableBytes() throws(JournalError) -> Int64
    /// Versions finished so far and their bytes, since the state directory was made.
    func finishedTotals() throws(JournalError) -> (files: Int, bytes: Int64)
    /// Sessions at the destination that nobody needs and that could not be told so yet.
    func owedAborts() throws(JournalError) -> [SessionToken]
    /// Uploads of chunks that were about to be begun, and of which no answer was journalled: in the order of their
    /// numbers.
    func intentions() throws(JournalError) -> [BeginIntention]
    /// What is owed of objects after a rename or an unlink, in the order of the numbers, those above one.
    func owedMoves(after number: Int64) throws(JournalError) -> [OwedMove]
    func owedMove(_ number: Int64) throws(JournalError) -> OwedMove?
    func owedMove(of file: FileID) throws(JournalError) -> OwedMove?
    /// Of the object that lies there.
    func owedMove(from path: UploadPath) throws(JournalError) -> OwedMove?
    /// A fact by its name, for example that this destination has answered before.
    func fact(_ name: String) throws(JournalError) -> String?
}

extension Journal {
    package func close(of version: VersionID) throws(JournalError) -> Timestamp? { try upload(version)?.closed }

    /// Every version that is neither done nor cancelled, oldest first.
    package func unfinishedUploads() throws(JournalError) -> [UploadRecord] { try unfinishedUploads(besides: Shelf()) }
}

/// One change of the journal. Applied twice, the second time changes nothing.
package enum JournalChange: Sendable, Hashable {
    // The tree.

    case insertNode(NodeRecord)
    /// Attributes, size, version, isPublished, names and what was declined and given of a node that is there. What
    /// listings have told of it stays.
    case updateNode(NodeRecord)
    /// Both at once, so that each may take the other's name.
    case exchangeNodes(NodePlace, NodePlace)
    /// A new name; whoever had that name before must have been removed.
    case moveNode(FileID, parent: FileID, name: FileName)
    /// The node and its extended attributes. Its uploads stay, until the engine has cleaned up behind them. One that
    /// has further names is not removed.
    case removeNode(FileID)
    /// nil removes it.
    case setExtendedAttribute(FileID, name: String, value: [UInt8]?)

    // What the destination lists.

    /// The listing of this number was begun.
    case listingBegan(Int64)
    /// These nodes were seen in it.
    case listed([FileID], listing: Int64)
    /// What the destination tells the content of a file apart by.
    case tagged(FileID, String?)
    /// A listing of all that lies in this directory was begun then, and has come to its end.
    case lookedInto(FileID, at: Timestamp)

    // Uploads.

    case insertUpload(UploadRecord)
    /// A close of changed content was acknowledged: every byte below `size` is in the spool, the phase is
    /// `queued`, and what it failed with before is forgotten.
    case closed(VersionID, size: Int64, at: Timestamp)
    /// Being written again: the close that was acknowledged is void, and the phase is `receiving`. A
    /// receipt and chunks stay.
    case reopened(VersionID)
    /// Somebody who could write still has it: the close of this time is void, as by `reopened`.
    case lapsed(VersionID, ofClose: Timestamp)
    /// What was closed then is on stable storage (unless it was reopened since).
    case durable(VersionID, ofClose: Timestamp)
    /// With `ofClose` only as long as that close holds: a writer may have been quicker.
    case setPhase(VersionID, Phase, failure: Failure?, retries: Int, ofClose: Timestamp? = nil)
    /// The session its chunks go to from now on. The chunks of the one before are forgotten, but for those that
    /// were released: they stay as long as the version does.
    case setSession(VersionID, SessionToken?)
    /// Unless the journal has another close than the one that the engine knows of: what was written before that
    /// may be news to it.
    case stored(VersionID, StoredChunk, knownClose: Timestamp?)
    /// The bytes of these chunks have changed: what the destination has of them is void.
    case unstored(VersionID, Range<ChunkIndex>)
    /// What the destination has of these chunks is all there is: their bytes leave the spool.
    case released(VersionID, Range<ChunkIndex>)
    /// A published version's bytes leave the spool.
    case evicted(VersionID)
    /// Done: the upload keeps its receipt, its session is forgotten, its chunks too
    /// but for released ones, and its node is published.
    /// Unless the close that was published (`ofClose`, its time) no longer holds, since a writer was
    /// quicker: then it is as `publishedEarlier`.
    case published(VersionID, PublishReceipt, at: Timestamp, ofClose: Timestamp? = nil)
    /// What was closed before has been published while the version is being written again: the node is
    /// published and the totals count it, its session and chunks are forgotten, its phase stays.
    case publishedEarlier(VersionID, PublishReceipt, at: Timestamp)
    /// The row and its chunks.
    case removeUpload(VersionID)
    /// The file's object is to follow it to where it lies, unless an earlier one is owed that already.
    case oweMove(FileID, ObjectReference)
    /// It is nobody's, and to be deleted, unless anything is owed of what lies there already.
    case oweDeletion(ObjectReference, successor: FileID? = nil)
    /// The file has lost its name: what was to follow it is nobody's any more, and to be deleted.
    case abandonMove(FileID, successor: FileID? = nil)
    /// The file's object lies there now. What followed it there is owed to be deleted; and what had been there is gone
    /// with it. The newest receipt of the file tells of it, if its URL is known.
    /// - Parameter sourceTag: of what followed the file.
    case placed(FileID, at: ObjectReference, sourceTag: String? = nil)
    /// Done, or not to be done any more.
    case moveDone(Int64)
    /// Why it needs a decision; nil: it is tried (again).
    case setMoveFailure(Int64, Failure?)
    case oweAbort(SessionToken)
    case abortDone(SessionToken)
    case intend(BeginIntention)
    /// By its number.
    case intentionEnded(Int)
    case setFact(name: String, value: String)
}
