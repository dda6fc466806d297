/// What people decide (`.uploadfs/control`).
extension UploadEngine {
    /// What was interrupted is published as it is: its close is in the journal.
    func release(_ version: VersionID, at moment: Timestamp) {
        guard uploads[version] != nil else { return }
        uploads[version]?.closedAt = moment
        uploads[version]?.machine.released()
        acknowledged(version, at: moment)
        supersede(version)
        settle(version)
    }

    /// - Parameter file: nil: everything that failed or waits.
    func retry(_ file: FileID?) {
        let chosen = file.map { versions[$0] ?? [] } ?? Array(uploads.keys)
        for version in chosen {
            guard let upload = uploads[version] else { continue }
            switch upload.machine.halt {
            case .failed:
                record([.setPhase(version, .queued, failure: nil, retries: upload.retries)])
            case .waiting: break
            case .none, .spoiled, .interrupted: continue
            }
            upload.pause?.cancel()
            uploads[version]?.machine.released()
            moved(version)
        }
        retryMoves(file)
    }

    func pause(_ isPaused: Bool) {
        self.isPaused = isPaused
        showStoppage()
    }
}
