import Logging
import UploadCore

/// Decisions that people write into `.uploadfs/control`. A line that can't be carried out is an error of its
/// write, and its reason is in the log.
extension FileSystem {
    func control(_ file: ControlFile, _ bytes: [UInt8]) throws(FileSystemError) {
        for line in try file.add(bytes) { try perform(line) }
    }

    func perform(_ line: String) throws(FileSystemError) {
        let command: ControlCommand?
        do throws(ControlCommand.Problem) {
            command = try ControlCommand.parse(line)
        } catch {
            logger.notice("a line in control is no command", metadata: ["reason": "\(error.text)"])
            throw .invalid
        }
        guard let command else { return }
        do throws(FileSystemError) {
            try perform(command)
            logger.notice("a command was carried out", metadata: ["command": "\(line)"])
        } catch {
            logger.notice(
                "a command can't be carried out", metadata: ["command": "\(line)", "reason": "\(error.reason)"])
            throw error
        }
    }

    private func perform(_ command: ControlCommand) throws(FileSystemError) {
        switch command {
        case .pause: uploads.post(.paused(true))
        case .resume: uploads.post(.paused(false))
        case .retryAll:
            completeNames()
            uploads.post(.retried(nil))
        case .release(let path): try release(try status(path, in: [.interrupted]).file)
        case .retry(let path):
            let file = try status(path, in: [.failed, .waiting]).file
            if try isGivenAgain(file) { return }
            // What a failed write has left is never sent as it is.
            let upload = try journalled { () throws(JournalError) in try journal.newestUpload(of: file) }
            guard upload?.isSpoiled != true else { throw .lost }
            uploads.post(.retried(file))
        case .discard(let path): try giveUp(try status(path, in: [.failed, .interrupted]))
        case .cancel(let path):
            try giveUp(try status(path, in: [.queued, .uploading, .waiting, .held, .failed, .interrupted]))
        }
    }

    /// A name that could not get the last close of its file: it does now.
    private func isGivenAgain(_ name: FileID) throws(FileSystemError) -> Bool {
        try namespace.locked { tree throws(FileSystemError) in
            let node = try tree.node(name)
            let source = try tree.source(of: node, below: configuration.mountpoint).record.file
            guard source != name, let failed = try tree.upload(of: node.record), failed.isSpoiled, !failed.isSpooled
            else { return false }
            let closes = try complete(source, in: &tree)
            guard let version = try tree.node(name).record.version, closes[version] != nil else { throw .notNow }
            return true
        }
    }

    /// - Throws: `notNow` when it is in no such phase.
    private func status(_ path: UploadPath, in phases: Set<Phase>) throws(FileSystemError) -> FileStatus {
        let file = try namespace.locked { tree throws(FileSystemError) -> FileID in
            var node = try tree.node(.root)
            for name in path.components {
                guard let child = try tree.child(name, of: node.record.file) else { throw .notFound }
                node = child
            }
            guard node.record.kind != .directory else { throw .isDirectory }
            return node.record.file
        }
        guard let status = uploads.status(of: file), phases.contains(status.phase) else { throw .notNow }
        return status
    }

    /// What was interrupted is closed now, as it is, in the place of its writer.
    private func release(_ file: FileID) throws(FileSystemError) {
        try namespace.locked { tree throws(FileSystemError) in
            let node = try tree.node(file)
            // Somebody has opened it to go on with it, and will close it.
            let inode = try tree.source(of: node, below: configuration.mountpoint)
            guard let version = node.record.version, inode.content?.hasWriters != true else { throw .notNow }
            let upload = try journalled { () throws(JournalError) in try journal.upload(version) }
            guard upload?.phase == .interrupted else { throw .notNow }
            let moment = now()
            let size =
                try node.record.kind == .file
                ? node.record.size : spooled { () throws(SpoolError) in try spool.size(of: version) }
            try namespace.journalled([.closed(version, size: size, at: moment)])
            uploads.post(.released(version, at: moment))
            try complete(file, in: &tree)
        }
    }

    /// The newest version goes. What was closed before it comes back; a file of which nothing is left is unlinked.
    /// - Parameter status: as it was when that was decided.
    private func giveUp(_ status: FileStatus) throws(FileSystemError) {
        let file = status.file
        let changes = try namespace.locked { tree throws(FileSystemError) -> [KernelCaches.Change] in
            let node = try tree.node(file)
            guard let version = node.record.version, let name = node.record.name else { throw .notFound }
            guard node.claims == 0 else { throw .beingPublished }
            guard node.content?.hasWriters != true else { throw .notNow }
            guard status.version == version else { throw .notNow }
            let versions = try journalled { () throws(JournalError) in try journal.uploads(of: file) }
            // It was just published.
            let newest = versions.last { $0.version == version }
            guard newest?.phase != .done else { throw .notNow }
            // What a close has superseded does not come back; what is published is there, whatever happens here.
            let close = newest?.closed
            let older = versions.last {
                $0.version < version && $0.closedSize != nil && ($0.phase == .done || close == nil)
            }
            guard let older else {
                guard !node.record.isPublished else { throw .published }
                try remove(node, from: node.record.parent, in: &tree)
                return [
                    .entry(parent: node.record.parent.rawValue, name: name.text),
                    .inode((node.record.hardLinkOf ?? file).rawValue),
                ]
            }
            // The destination has something newer, which is not here any more.
            guard !versions.contains(where: { $0.version > older.version && $0.receipt != nil }) else {
                throw .published
            }
            var record = node.record
            record.version = older.version
            if record.kind == .file { record.size = older.closedSize ?? 0 }
            if record.kind == .link || record.hardLinkOf != nil {
                let source = try tree.source(of: node, below: configuration.mountpoint).record
                // No later word of this close is one for this name.
                if source.file != file { record.declined = try tree.upload(of: source)?.closed }
            } else if try !shared(of: node.record, in: tree).isEmpty {
                // What they are published with would be other than what the mount shows then.
                throw .sharedWithNames
            }
            record.attributes.changed = now()
            // Void from here on, so that the engine does not publish it before it hears of this.
            let void: [JournalChange] = close.map { [.lapsed(version, ofClose: $0)] } ?? []
            try namespace.journalled([.updateNode(record)] + void)
            tree.recorded(record)
            try tree.update(file) { $0.content = nil }
            // Also what failed before it, and would be listed as the newest.
            for row in versions where row.version > older.version { uploads.post(.discarded(row.version)) }
            return [.inode(file.rawValue)]
        }
        for change in changes { kernel.note(change) }
    }
}
