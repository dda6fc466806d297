/// A file that is no longer on the status board, as the journal has its newest version.
enum FinishedStatus {
    /// - Returns: nil when there is none, or the journal can't be read.
    static func read(_ file: FileID, _ journal: any Journal, _ names: any NameClaims) -> FileStatus? {
        guard let record = try? journal.newestUpload(of: file), let path = try? names.path(of: file) else { return nil }
        let size = record.receipt?.size ?? record.closedSize ?? 0
        let chunks = record.schedule.count(size: size)
        let isDone = record.phase == .done
        let entries = [
            FileStatus.PhaseEntry(phase: .receiving, entered: record.created),
            record.closed.map { FileStatus.PhaseEntry(phase: .queued, entered: $0) },
            record.finished.map { FileStatus.PhaseEntry(phase: record.phase, entered: $0) },
        ]
        return FileStatus(
            file: file, version: record.version, path: path, phase: record.phase, phases: entries.compactMap { $0 },
            contentType: record.contentType, size: size, isClosed: record.closedSize != nil || isDone,
            acknowledged: isDone ? size : 0, chunksStored: isDone ? chunks : 0, chunksTotal: chunks,
            chunkSize: record.schedule.firstSize, retries: record.retries, failure: record.failure,
            receipt: record.receipt)
    }
}
