/// One file as status files show it.
package struct FileStatus: Sendable, Hashable {
    package var file: FileID
    package var version: VersionID
    package var path: UploadPath
    package var phase: Phase
    /// When it entered each phase it has been in, oldest first.
    package var phases: [PhaseEntry]
    package var contentType: String
    /// Bytes the file has now.
    package var size: Int64
    /// No writer has it open: `size` is final.
    package var isClosed: Bool
    /// Bytes the destination has acknowledged.
    package var acknowledged: Int64
    /// Bytes handed to the network and not acknowledged yet.
    package var inFlight: Int64
    package var chunksStored: Int
    package var chunksTotal: Int
    package var chunkSize: Int64
    /// Bytes per second, over the last seconds.
    package var rate: Double
    /// Requests that had to be sent again.
    package var retries: Int
    /// When a waiting file is tried again.
    package var nextAttempt: Timestamp?
    package var failure: Failure?
    package var receipt: PublishReceipt?
    /// What is on its way.
    package var action = Action.upload

    package enum Action: String, Sendable, Hashable {
        case upload
        /// What is published, to another name.
        case move
        /// What was published is to be deleted.
        case delete
    }
    /// Why it could not be read from the destination the last time.
    package var readFailure: Failure?

    package struct PhaseEntry: Sendable, Hashable {
        package let phase: Phase
        package let entered: Timestamp

        package init(phase: Phase, entered: Timestamp) {
            self.phase = phase
            self.entered = entered
        }
    }

    package init(
        file: FileID, version: VersionID, path: UploadPath, phase: Phase, phases: [PhaseEntry] = [],
        contentType: String, size: Int64, isClosed: Bool, acknowledged: Int64 = 0, inFlight: Int64 = 0,
        chunksStored: Int = 0, chunksTotal: Int = 0, chunkSize: Int64, rate: Double = 0, retries: Int = 0,
        nextAttempt: Timestamp? = nil, failure: Failure? = nil, receipt: PublishReceipt? = nil
    ) {
        self.file = file
        self.version = version
        self.path = path
        self.phase = phase
        self.phases = phases
        self.contentType = contentType
        self.size = size
        self.isClosed = isClosed
        self.acknowledged = acknowledged
        self.inFlight = inFlight
        self.chunksStored = chunksStored
        self.chunksTotal = chunksTotal
        self.chunkSize = chunkSize
        self.rate = rate
        self.retries = retries
        self.nextAttempt = nextAttempt
        self.failure = failure
        self.receipt = receipt
    }

    /// 0 to 100. An empty file is at 0 until it is done.
    package var percent: Double {
        if phase == .done { return 100 }
        guard size > 0 else { return 0 }
        return min(100, Double(acknowledged) / Double(size) * 100)
    }

    /// Seconds until it is there at today's rate; nil while nobody can tell.
    package var remainingSeconds: Double? {
        guard isClosed || size > acknowledged, rate >= 1, phase == .uploading || phase == .receiving else { return nil }
        return Double(max(0, size - acknowledged)) / rate
    }
}
