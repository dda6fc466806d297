import Synchronization
import UploadCore

/// One open of `wait/PATH`: its first read is answered when the file is settled.
final class WaitFile: Sendable {
    private let file: FileID
    private let uploads: any Uploads

    /// What it was answered: reads further on go on in that, whatever becomes of the file.
    private let answer = Mutex<StatusText?>(nil)

    init(_ file: FileID, uploads: any Uploads) {
        self.file = file
        self.uploads = uploads
    }

    func read(_ count: Int, at offset: Int64) -> ReadAnswer {
        if let text = answer.withLock({ $0 }) { return .bytes(text.slice(count, at: offset)) }
        // A file without an upload has nothing to wait for.
        guard uploads.status(of: file) != nil else { return .bytes([]) }
        return .parked(
            Waiter { [self] done in
                let token = uploads.whenSettled(file) { [self] status in
                    done(settled(status).map { .bytes($0.slice(count, at: offset)) })
                }
                return { [uploads] in uploads.cancelWait(token) }
            })
    }

    /// The URL where it is, for a file that is there; an error for one that waits for a decision.
    private func settled(_ status: FileStatus) -> Result<StatusText, FileSystemError> {
        guard status.phase == .done, let receipt = status.receipt else { return .failure(.uploadFailed) }
        let text = StatusText(receipt.url + "\n")
        answer.withLock { $0 = text }
        return .success(text)
    }
}
