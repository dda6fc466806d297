/// What people decide (`.uploadfs/control`).
extension UploadEngine {
    /// What was interrupted is published as it is: its close is in the journal.
    func release(_ version: VersionID, at moment: Timestamp) {
        guard uploads[version] != nil else { return }
        uploads[version]?.closedAt = moment
        uploads[version]?.machine.released()
        gathered[version] = moment
        supersede(version)
        settle(version)
        acknowledged(version, at: moment)
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
    }

    func pause(_ isPaused: Bool) {
        self.isPaused = isPaused
        world.board.stopped(
            isPaused ? StatusOverview.Stoppage(reason: "It was paused (\"resume\" goes on).", until: nil) : nil)
    }
}
