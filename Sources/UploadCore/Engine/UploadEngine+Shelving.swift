/// A queue of bounded memory (P4): of files that have nothing to do but to wait for their turn so many are in memory,
/// and the others on the shelf. The journal has all that there is to know of them, as of those that an earlier process
/// left behind, and they are taken up in the same way.
extension UploadEngine {
    /// Call when a version may have come to where it only waits.
    func shelve(_ version: VersionID) {
        // As long as there are some on the shelf, who comes now stands behind them.
        let most = shelf.isEmpty ? settings.awakeFiles : fewFiles
        guard queue.count > most, let upload = uploads[version], upload.isShelvable, superseded[version] == nil,
            !awaitingNames.contains(version), versions[upload.machine.file] == [version]
        else { return }
        forget(version)
        world.board.remove(version)
        shelf.put(version, bytes: upload.machine.plan.size)
        showShelf()
    }

    /// Takes those from the shelf whose turn comes soon, the oldest first.
    func refill() {
        guard !shelf.isEmpty, !isStopping, queue.count < fewFiles else { return }
        // Those that the destination has put off are in memory, too.
        var putOff = 0
        for upload in uploads.values {
            if case .waiting = upload.machine.halt { putOff += 1 }
        }
        guard putOff < max(settings.awakeFiles, Self.fewestPutOff) else { return }
        // Until enough stand in line: some may have failed since.
        while !shelf.isEmpty, queue.count < fewFiles {
            for version in shelf.first(max(1, settings.awakeFiles / 8)) { unshelve(version) }
        }
    }

    private static var fewestPutOff: Int { 64 }

    /// When fewer stand in line, others are taken from the shelf.
    private var fewFiles: Int { max(1, settings.awakeFiles / 2) }

    /// What writers and people do to a file that is on the shelf takes it from there.
    func unshelve(for event: WriterEvent) {
        guard !shelf.isEmpty else { return }
        switch event {
        case .opened(let opened): unshelve(opened.file)
        case .wrote(let version), .acknowledged(let version, _), .closed(let version, _, _, _),
            .torn(let version, _, _), .spoiled(let version, _), .released(let version, _), .discarded(let version):
            unshelve(version)
        case .touched(let file), .classified(let file, _), .removed(let file), .owed(let file), .awaited(let file),
            .retried(let file?):
            unshelve(file)
        case .retried(nil), .paused, .pressed, .marked: break
        }
    }

    private func unshelve(_ file: FileID) {
        guard versions[file] == nil, let records = try? world.journal.uploads(of: file) else { return }
        for record in records { unshelve(record.version) }
    }

    func unshelve(_ version: VersionID) {
        guard shelf.contains(version) else { return }
        do throws(JournalError) {
            let record = try world.journal.upload(version)
            shelf.take(version, bytes: record?.closedSize ?? 0)
            showShelf()
            // Of one that was unlinked, or is being written again, the word is on its way.
            guard let record, record.closed != nil, let path = try world.names.path(of: record.file) else { return }
            try recover(record, at: path, ChunkTotals())
        } catch {
            shelf.take(version, bytes: 0)
            showShelf()
            world.log.trouble(
                "A file that waits to be uploaded could not be taken up; the next mount tries again.",
                ["version": "\(version)", "error": FailureSentences.journal(error).reason])
        }
    }

    func showShelf() {
        world.board.shelved(shelf.count, bytes: shelf.bytes)
    }
}

extension UploadEngine.Upload {
    /// The journal knows all of it: it is closed, nothing of it has travelled, and nobody has it open.
    fileprivate var isShelvable: Bool {
        track == nil && tasks.isEmpty && session == nil && retries == 0 && journalled.count == 0 && !isJournalBehind
            && !isDoomed && successor == nil && closedAt != nil && machine.onlyWaits
    }
}
