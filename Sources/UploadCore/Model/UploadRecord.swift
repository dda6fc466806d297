/// One version on its way, as the journal keeps it.
package struct UploadRecord: Hashable, Sendable {
    package let version: VersionID
    package let file: FileID
    package var phase: Phase
    /// The size that the last close acknowledged; nil while no close has.
    package var closedSize: Int64?
    package var schedule: ChunkSchedule
    package var contentType: String
    /// The unfinished upload at the destination that belongs to it.
    package var session: SessionToken?
    package var created: Timestamp
    package var closed: Timestamp?
    /// The close whose bytes are on stable storage; another than `closed` (or nil): those of `closed` may not be.
    package var durable: Timestamp?
    package var finished: Timestamp?
    /// Requests that had to be sent again.
    package var retries: Int
    package var receipt: PublishReceipt?
    package var failure: Failure?
    /// Its bytes are in the spool; a published version's may have made room for others.
    package var isSpooled: Bool

    /// Its close, as long as that is not known to be on stable storage.
    package var unkeptClose: Timestamp? { durable == closed ? nil : closed }

    /// A write of it failed, and it was not closed since: it can only be begun anew.
    package var isSpoiled: Bool { phase == .failed && closed == nil }

    package init(
        version: VersionID, file: FileID, phase: Phase, closedSize: Int64? = nil, schedule: ChunkSchedule,
        contentType: String, session: SessionToken? = nil, created: Timestamp, closed: Timestamp? = nil,
        durable: Timestamp? = nil, finished: Timestamp? = nil, retries: Int = 0, receipt: PublishReceipt? = nil,
        failure: Failure? = nil, isSpooled: Bool = true
    ) {
        self.version = version
        self.file = file
        self.phase = phase
        self.closedSize = closedSize
        self.schedule = schedule
        self.contentType = contentType
        self.session = session
        self.created = created
        self.closed = closed
        self.durable = durable
        self.finished = finished
        self.retries = retries
        self.receipt = receipt
        self.failure = failure
        self.isSpooled = isSpooled
    }
}

/// What the destination confirmed when it published a version.
package struct PublishReceipt: Hashable, Sendable {
    package let url: String
    package let size: Int64
    /// The digest of the whole content, for example "sha-256=:…:" (RFC 9530).
    package let digest: String
    /// What tells the object from others that come to have its name (an ETag); nil: nobody said so.
    package let tag: String?

    package init(url: String, size: Int64, digest: String, tag: String? = nil) {
        self.url = url
        self.size = size
        self.digest = digest
        self.tag = tag
    }
}

/// Why a version does not move, in words for the person who has to do something about it.
package struct Failure: Hashable, Sendable {
    /// A stable word that programs may compare, for example "too-large".
    package let code: String
    /// A sentence that says what happened.
    package let reason: String
    /// A sentence that says what mends it.
    package let remedy: String

    package init(code: String, reason: String, remedy: String) {
        self.code = code
        self.reason = reason
        self.remedy = remedy
    }
}
