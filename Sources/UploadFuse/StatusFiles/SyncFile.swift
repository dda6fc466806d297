import UploadCore

/// One open of `sync`: a read ends when the status files tell of everything that was closed, renamed or removed before
/// it. Empty: what there is to know stands in them.
///
/// The engine is never waited for by a writer, so it may hear of a close a moment after close(2) was answered.
final class SyncFile: Sendable {
    private let uploads: any Uploads

    init(uploads: any Uploads) {
        self.uploads = uploads
    }

    func read() -> ReadAnswer {
        .parked(
            Waiter { [uploads] done in
                uploads.post(.marked { done(.success(.bytes([]))) })
                // It is under way.
                return {}
            })
    }
}
