/// What nobody needs any more. Nothing is taken away before its going can no longer be undone by a power loss:
/// first the journal's word for it is on stable storage, and that of what takes its place, then its bytes go.
extension UploadEngine {
    /// What was closed before a complete close, and is not published yet, never needs to be.
    func supersede(_ version: VersionID) {
        guard let machine = uploads[version]?.machine, machine.supersedes else { return }
        for older in versions[machine.file] ?? [] where older < version { give(up: older, for: version) }
    }

    /// Unlinked or superseded: nothing of it shall be published any more, here and there.
    /// - Parameter successor: whose close has made it needless; nil: nobody's.
    func give(up version: VersionID, for successor: VersionID? = nil) {
        guard var upload = uploads[version] else { return }
        if upload.machine.isPublishing {
            // The request may be carried out already. Its answer is awaited, so that a newer version
            // of the path can't be overtaken by it.
            uploads[version]?.isDoomed = true
            uploads[version]?.successor = successor
            return
        }
        upload.settling?.cancel()
        upload.pause?.cancel()
        for task in upload.tasks.values { task.cancel() }
        upload.tasks = [:]
        forget(version)
        let needless =
            (superseded.removeValue(forKey: version) ?? [])
            + [Needless(version: version, session: upload.machine.session.token)]
        if let successor, gathered[successor] != nil {
            // Should the power go before the newer close is on stable storage, this one comes back.
            superseded[successor, default: []] += needless
        } else {
            for one in needless { discard(one) }
        }
        if let status = world.board.update(version, { $0.status.phase = .cancelled }) { world.log.phase(status) }
        world.board.remove(version)
    }

    /// One that is not among those on their way, and no close (any more).
    func discardVoid(_ version: VersionID) {
        guard let row = try? world.journal.upload(version), row.closed == nil, row.phase != .done else { return }
        discard(Needless(version: version, session: row.session))
    }

    /// Forgets a version here, and the destination is to forget its session.
    func discard(_ needless: Needless) {
        // Else the row is still there, and a row without its bytes would be a failure at the next mount.
        guard record((needless.session.map { [.oweAbort($0)] } ?? []) + [.removeUpload(needless.version)]) else {
            return
        }
        discardSpool(needless.version)
        if let session = needless.session { abort(session) }
    }

    /// The version is no close any more: what was given up for it, and is just being published, is not; and what
    /// waits for its being durable is to be taken up again.
    func replacedBy(_ version: VersionID) -> [Needless] {
        for older in uploads.filter({ $0.value.successor == version }).keys {
            uploads[older]?.isDoomed = false
            uploads[older]?.successor = nil
        }
        return superseded.removeValue(forKey: version) ?? []
    }

    /// What made these needless is no close any more: those that the tree has again, or that are the last close now,
    /// go on.
    func takeUpAgain(_ held: [Needless]) {
        for one in held.sorted(by: { $0.version < $1.version }) {
            do throws(JournalError) {
                guard let record = try world.journal.upload(one.version),
                    let path = try world.names.path(of: record.file), try isLastClose(record)
                else {
                    discard(one)
                    continue
                }
                try recover(record, at: path, try world.journal.chunkTotals()[one.version] ?? ChunkTotals())
                supersede(one.version)
            } catch {
                // It stays as it is until the next mount.
                world.log.trouble(FailureSentences.journal(error), ["version": "\(one.version)"])
            }
        }
        startKeeping()
    }

    /// The tree has it, or something newer that is not closed.
    private func isLastClose(_ record: UploadRecord) throws(JournalError) -> Bool {
        guard let newest = try world.journal.node(record.file)?.version else { return false }
        if newest == record.version { return true }
        return try world.journal.upload(newest)?.closed == nil
    }

    /// Takes a version from among those on their way.
    func forget(_ version: VersionID) {
        guard let upload = uploads.removeValue(forKey: version) else { return }
        queue.remove(version)
        let file = upload.machine.file
        versions[file]?.removeAll { $0 == version }
        if versions[file]?.isEmpty == true { versions[file] = nil }
    }

    /// A file that was replaced while a version of it was being published.
    func forgetIfUnlinked(_ file: FileID) {
        // Where nobody knows, what is published stays until it is pruned.
        if isUnlinked(file) { forgetRemoved(file) }
    }

    /// It has no name any more, as far as is known.
    func isUnlinked(_ file: FileID) -> Bool {
        do throws(JournalError) {
            return try world.names.path(of: file) == nil
        } catch {
            return false
        }
    }

    /// Versions of an unlinked file that are not on their way: done, or dormant.
    func forgetRemoved(_ file: FileID) {
        for (version, opened) in dormant where opened.file == file { dormant[version] = nil }
        guard versions[file] == nil else { return }
        do {
            while let record = try world.journal.newestUpload(of: file) {
                try world.journal.apply([.removeUpload(record.version)])
                discardSpool(record.version)
            }
        } catch {
            world.log.trouble(FailureSentences.journal(error), ["file": "\(file)"])
        }
    }

    // MARK: The spool

    /// The journal has been told that its bytes are not needed: they go soon, together with others.
    func discardSpool(_ version: VersionID) {
        needless.append(version)
        guard removing == nil else { return }
        removing = Task {
            while !needless.isEmpty {
                let versions = needless
                needless = []
                await self.removeSpools(versions)
            }
            removing = nil
        }
    }

    /// Call when the journal has been told. Of big files it takes a while.
    func removeSpools(_ versions: [VersionID]) async {
        for version in versions { gathered[version] = nil }
        await world.offload { [world] in
            // Else they stay, belong to nothing, and the next mount removes them.
            guard world.keepJournal() else { return }
            for version in versions {
                do throws(SpoolError) {
                    try world.spool.remove(version)
                } catch {
                    world.log.trouble(
                        "A spool file could not be removed.",
                        ["version": "\(version)", "error": FailureSentences.spool(error).reason])
                }
            }
        }
    }
}
