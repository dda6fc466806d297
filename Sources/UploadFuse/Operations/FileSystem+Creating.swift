import Glibc
import Logging
import UploadCore

/// A file that was opened, as the kernel is to treat it.
struct Opened: Sendable {
    let handle: OpenHandle
    /// Every read comes to us.
    var isDirect = false
    /// close(2) need not tell us.
    var needsNoFlush = false
}

extension FileSystem {
    func create(
        _ bytes: [UInt8], in parent: UInt64, mode: UInt32, flags: Int32, by caller: Caller
    ) throws(FileSystemError) -> (entry: Entry, opened: Opened) {
        let name = try checkedName(bytes, in: parent)
        let (made, attached) = try namespace.locked { tree throws(FileSystemError) -> (Entry, Attached) in
            if let named = try tree.child(name, of: FileID(parent)) {
                // Another thread was quicker than the kernel's view of it.
                guard flags & O_EXCL == 0 else { throw .exists }
                let node = try tree.inode(of: named)
                let attached = try attach(node, flags: flags, by: caller.thread, in: &tree)
                let kept = try tree.node(node.record.file)
                tree.remember(kept)
                return (entry(kept), attached)
            }
            let made = try makeFile(name, in: FileID(parent), mode: mode, by: caller, tree: &tree)
            tree.remember(made.node)
            return (entry(made.node), Attached(handle: made.handle))
        }
        do throws(FileSystemError) {
            return (made, try opened(attached, by: caller.thread))
        } catch {
            forget(made.attributes.inode, count: 1)
            throw error
        }
    }

    /// mknod(2) of a regular file: an empty one, made and closed.
    func makeNode(
        _ bytes: [UInt8], in parent: UInt64, mode: UInt32, by caller: Caller
    ) throws(FileSystemError) -> Entry {
        guard mode & UInt32(S_IFMT) == UInt32(S_IFREG) else {
            explainOnce("only files and directories can be made: no object can stand for a device or a pipe")
            throw .unsupportedKind
        }
        let name = try checkedName(bytes, in: parent)
        return try namespace.locked { tree throws(FileSystemError) in
            guard try tree.child(name, of: FileID(parent)) == nil else { throw .exists }
            let made = try makeFile(name, in: FileID(parent), mode: mode, by: caller, tree: &tree)
            tree.remember(made.node)
            release(made.handle, in: &tree)
            return entry(try tree.node(made.node.record.file))
        }
    }

    func makeDirectory(
        _ bytes: [UInt8], in parent: UInt64, mode: UInt32, by caller: Caller
    ) throws(FileSystemError) -> Entry {
        let name = try checkedName(bytes, in: parent)
        return try makeNode(name, .directory, in: parent, mode: mode, by: caller)
    }

    /// symlink(2). The target is kept as it is: what it means is for who follows it.
    func makeLink(
        _ bytes: [UInt8], in parent: UInt64, to target: [UInt8], by caller: Caller
    ) throws(FileSystemError) -> Entry {
        let name = try checkedName(bytes, in: parent)
        if configuration.followsSymlinks {
            try namespace.locked { tree throws(FileSystemError) in try checkType(of: name, in: FileID(parent), tree) }
        }
        return try makeNode(name, .link, in: parent, mode: 0o777, target: target, by: caller)
    }

    // MARK: Making

    /// What has no content: a directory, a link.
    private func makeNode(
        _ name: FileName, _ kind: NodeKind, in parent: UInt64, mode: UInt32, target: [UInt8]? = nil, by caller: Caller
    ) throws(FileSystemError) -> Entry {
        try namespace.locked { tree throws(FileSystemError) in
            let directory = try tree.directory(FileID(parent)).record
            guard try tree.child(name, of: directory.file) == nil else { throw .exists }
            let moment = now()
            var record = newRecord(
                tree.newFile(), name, kind, in: directory, mode: mode, target: target, by: caller, at: moment)
            // Where there was nothing of that name, there was nothing below it.
            if kind == .directory { record.lookedInto = directory.lookedInto }
            try applyTouching(directory, [.insertNode(record)], at: moment, tree: &tree)
            let node = CachedNode(record)
            tree.remember(node)
            follow(record.file, in: &tree)
            return entry(node)
        }
    }

    private func makeFile(
        _ name: FileName, in parent: FileID, mode: UInt32, by caller: Caller, tree: inout Tree
    ) throws(FileSystemError) -> (node: CachedNode, handle: FileHandle) {
        let directory = try tree.directory(parent).record
        guard let directoryPath = try tree.path(of: parent) else { throw .notFound }
        try checkType(of: name, in: parent, tree)
        let moment = now()
        let version = tree.newVersion()
        var record = newRecord(tree.newFile(), name, .file, in: directory, mode: mode, by: caller, at: moment)
        record.version = version
        let newborn = newborn(
            version, of: record.file, at: directoryPath.appending(name), isFirst: true, created: moment)
        try applyTouching(directory, [.insertNode(record), .insertUpload(newborn.upload)], at: moment, tree: &tree)
        let spoolFile = try spoolFile(for: version, orUndo: [.removeUpload(version), .removeNode(record.file)])

        let content = Content(file: record.file, spoolFile: spoolFile, size: 0, isNew: true, context: writerContext)
        let handle = content.begun(by: caller.thread, newborn.opened.track)
        var node = CachedNode(record)
        node.content = content
        tree.insert(node)
        uploads.post(.opened(newborn.opened))
        return (node, handle)
    }

    /// A version that is made now: what the journal and the engine are to be told of it.
    /// - Parameters:
    ///   - isFirst: of its file.
    ///   - size: bytes that it begins with.
    ///   - names: of its node.
    func newborn(
        _ version: VersionID, of file: FileID, at path: UploadPath, isFirst: Bool = false, size: Int64 = 0,
        names: Int = 1, created moment: Timestamp
    ) -> (upload: UploadRecord, opened: OpenedVersion) {
        let contentType = path.components.last.map(ContentType.of) ?? ContentType.unknown
        let schedule = configuration.schedule(contentType)
        let track = WriteTrack(size: size, schedule: schedule)
        if names > 1 { track.keep() }
        return (
            UploadRecord(
                version: version, file: file, phase: .receiving, schedule: schedule, contentType: contentType,
                created: moment),
            OpenedVersion(
                version: version, file: file, track: track,
                contentType: contentType, nameClass: configuration.classifier.classify(path), isNew: true,
                isSuccessor: !isFirst, at: KnownPath(path: path, changes: namespace.pathChanges))
        )
    }

    /// A spool file for a version that the journal just got. When there can't be one, the journal
    /// shall not go on telling of it: nobody else has heard of it yet.
    func spoolFile(
        for version: VersionID, orUndo changes: [JournalChange]
    ) throws(FileSystemError) -> any SpoolFile {
        do throws(SpoolError) {
            return try spool.create(version)
        } catch {
            try namespace.journalled(changes)
            throw FileSystemError(error)
        }
    }

    private func newRecord(
        _ file: FileID, _ name: FileName, _ kind: NodeKind, in directory: NodeRecord, mode: UInt32,
        target: [UInt8]? = nil, by caller: Caller, at moment: Timestamp
    ) -> NodeRecord {
        // A directory with the set-group-ID bit gives its group to what is made in it (inode(7)).
        let givesGroup = directory.attributes.mode & UInt32(S_ISGID) != 0
        let inherited = givesGroup && kind == .directory ? UInt32(S_ISGID) : 0
        return NodeRecord(
            file: file, parent: directory.file, name: name, kind: kind,
            attributes: NodeAttributes(
                mode: mode & 0o7777 | inherited, owner: caller.owner,
                group: givesGroup ? directory.attributes.group : caller.group, accessed: moment, modified: moment,
                changed: moment),
            size: Int64(target?.count ?? 0), target: target)
    }

    /// Changes to what lies in a directory, and the directory's times with them.
    func applyTouching(
        _ directory: NodeRecord, _ changes: [JournalChange], at moment: Timestamp, orUndo made: LinkVersions? = nil,
        tree: inout Tree
    ) throws(FileSystemError) {
        let touched = touched(directory, at: moment)
        try apply(changes + [.updateNode(touched)], orUndo: made)
        tree.recorded(touched)
    }

    var writerContext: WriterContext {
        WriterContext(
            journal: journal, spool: spool, uploads: uploads, maximumFileSize: configuration.maximumFileSize,
            now: now, processes: configuration.processes,
            report: { [logger, configuration] file, failure in
                logger.warning(
                    "a write failed, so its file is not uploaded",
                    metadata: [
                        // The tree's lock may be held by who reports, so the path can't be asked for here.
                        "inode": "\(file)", "code": "\(failure.code)", "reason": "\(failure.reason)",
                        "remedy": "\(failure.remedy)", "mount": "\(configuration.mountpoint)",
                    ])
            })
    }
}
