import Glibc
import UploadCore

extension FileSystem {
    func open(_ inode: UInt64, flags: Int32, by thread: Int32 = 0) throws(FileSystemError) -> Opened {
        if let status = StatusInode(inode) {
            let isControl = status.kind == .control
            guard isControl || flags & O_ACCMODE == O_RDONLY else { throw .reserved }
            return Opened(handle: try statusFiles.open(status), isDirect: true, needsNoFlush: !isControl)
        }
        // The kernel leaves that to us, also where it is the only change.
        if flags & O_ACCMODE == O_RDONLY, flags & O_TRUNC != 0 { try truncate(FileID(inode), to: 0, by: thread) }
        let attached = try namespace.locked { tree throws(FileSystemError) in
            try attach(try tree.node(FileID(inode)), flags: flags, by: thread, in: &tree)
        }
        return try opened(attached, by: thread)
    }

    /// A handle that is counted, and what is left to do for it without the lock.
    struct Attached: Sendable {
        let handle: FileHandle
        /// It is to be cut to nothing, and could not begin anew, since it was changed and not closed.
        var mustTruncate = false
        /// Closes that further names got first.
        var closes: [VersionID: Timestamp] = [:]
    }

    func attach(
        _ node: CachedNode, flags: Int32, by thread: Int32, in tree: inout Tree
    ) throws(FileSystemError) -> Attached {
        guard node.record.kind == .file else { throw .isDirectory }
        let isWriter = flags & O_ACCMODE != O_RDONLY
        let truncating = isWriter && flags & O_TRUNC != 0
        return try attach(node, asWriter: isWriter, truncating: truncating, by: thread, in: &tree)
    }

    func opened(_ attached: Attached, by thread: Int32) throws(FileSystemError) -> Opened {
        keepGiven(attached.closes, in: "open")
        if attached.mustTruncate {
            do throws(FileSystemError) {
                try truncate(attached.handle, to: 0, by: thread)
            } catch {
                release(attached.handle)
                throw error
            }
        }
        return Opened(handle: .file(attached.handle), needsNoFlush: !attached.handle.isWriter)
    }

    /// One more handle on a file.
    func attach(
        _ node: CachedNode, asWriter isWriter: Bool, truncating: Bool, by thread: Int32, in tree: inout Tree
    ) throws(FileSystemError) -> Attached {
        // Unlinked between the kernel's lookup of the name and this, and not here: it is to look again.
        guard !node.isUnlinked || node.content != nil else { throw .stale }
        // What was only listed has no version.
        let version = node.record.version
        let upload = try tree.upload(of: node.record)
        // Published so long ago that it was forgotten, its bytes are gone, too.
        let isHere = upload?.isSpooled ?? !node.record.isPublished
        let content: Content
        if let open = node.content, isHere || !isWriter || truncating || node.isUnlinked {
            // Who reads what has left the spool has the new content from now on, when it is cut to nothing: the kernel
            // keeps one cache for all.
            guard !isWriter || truncating && !node.isUnlinked || !open.isAbsent else { throw .evicted }
            content = open
        } else if truncating, !isHere {
            // Nothing of what was there is wanted, or could be had.
            let made = try makeVersion(of: node.record, in: &tree)
            content = Content(
                file: node.record.file, spoolFile: made.spoolFile, size: 0, isNew: true, context: writerContext)
            let handle = content.begun(by: thread, made.opened.track)
            uploads.post(.opened(made.opened))
            try tree.update(node.record.file) { $0.content = content }
            return Attached(handle: handle)
        } else {
            if isHere, let version {
                content = try self.content(of: node.record, version, upload)
            } else {
                content = try absent(node.record, version ?? .listed, asWriter: isWriter)
            }
            // It could not be sent again.
            guard content.locked(\.released).isEmpty || !isWriter || upload?.phase != .done else { throw .evicted }
        }
        // What was closed before is one of all names, whatever becomes of this writer.
        let closes = isWriter && content.hasWriters ? completed(node.record.file, in: &tree) : [:]
        if truncating, content.mayBeginAnew() {
            try beginAnew(content, node.record, in: &tree)
            let handle = content.begun(by: thread)
            try tree.update(node.record.file) { $0.content = content }
            return Attached(handle: handle, closes: closes)
        }
        let handle: FileHandle
        if isWriter {
            let path = try tree.path(of: node.record.file)
            let contentType = upload?.contentType ?? node.record.name.map(ContentType.of) ?? ContentType.unknown
            let schedule = upload?.schedule ?? configuration.schedule(contentType)
            let shared = try shared(of: node.record, in: tree)
            let isShared = content.locked { state in
                state.share(shared)
                return !state.shared.isEmpty
            }
            let isPromised = isShared || upload.map { $0.closed != nil && $0.phase.isOnItsWay } ?? false
            let opened = content.opened(asWriter: true, isPromised: isPromised, by: thread) { size, released in
                let track = WriteTrack(size: size, schedule: schedule, released: released)
                if node.record.names > 1 { track.keep() }
                return track
            }
            handle = opened.handle
            if let track = opened.track, let path, let version {
                uploads.post(
                    .opened(
                        OpenedVersion(
                            version: version, file: node.record.file, track: track, contentType: contentType,
                            nameClass: configuration.classifier.classify(path), isNew: false,
                            at: KnownPath(path: path, changes: namespace.pathChanges))))
            }
        } else {
            handle = content.opened(asWriter: false).handle
        }
        try tree.update(node.record.file) { $0.content = content }
        return Attached(handle: handle, mustTruncate: truncating, closes: closes)
    }

    /// The bytes of a file that nobody has open, and that are here.
    func content(
        of record: NodeRecord, _ version: VersionID, _ upload: UploadRecord?
    ) throws(FileSystemError) -> Content {
        Content(
            file: record.file, spoolFile: try spooled { () throws(SpoolError) in try spool.open(version) },
            size: record.size, isNew: false, context: writerContext, released: try released(of: version, upload),
            failure: upload?.isSpoiled == true ? .lost : nil)
    }

    /// The bytes of an unfinished upload that are at the destination alone.
    private func released(of version: VersionID, _ upload: UploadRecord?) throws(FileSystemError) -> RangeSet<Int64> {
        guard let schedule = upload?.schedule else { return RangeSet() }
        let chunks = try journalled { () throws(JournalError) in try journal.releasedChunks(of: version) }
        var bytes = RangeSet<Int64>()
        for range in chunks.ranges {
            bytes.insert(contentsOf: schedule.range(of: range))
        }
        return bytes
    }

    /// Cut to nothing: a new version with a spool file of its own, so that the one before goes on
    /// uploading what was closed until this one is closed too (P3).
    func beginAnew(_ content: Content, _ record: NodeRecord, in tree: inout Tree) throws(FileSystemError) {
        let made = try makeVersion(of: record, in: &tree)
        if let owed = content.beginAnew(made.spoolFile, track: made.opened.track) { uploads.post(owed) }
        uploads.post(.opened(made.opened))
    }

    /// A version and its spool file, journalled; the engine is still to be told.
    private func makeVersion(
        of record: NodeRecord, in tree: inout Tree
    ) throws(FileSystemError) -> (spoolFile: any SpoolFile, opened: OpenedVersion) {
        guard let path = try tree.path(of: record.file) else { throw .notFound }
        let moment = now()
        let version = tree.newVersion()
        let newborn = newborn(version, of: record.file, at: path, names: record.names, created: moment)
        var fresh = record
        fresh.version = version
        fresh.size = 0
        fresh.attributes.modified = moment
        fresh.attributes.changed = moment
        try namespace.journalled([.insertUpload(newborn.upload), .updateNode(fresh)])
        let spoolFile = try spoolFile(for: version, orUndo: [.updateNode(record), .removeUpload(version)])
        tree.recorded(fresh)
        return (spoolFile, newborn.opened)
    }
}
