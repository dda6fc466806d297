import UploadCore

/// Reading what has left the spool: from the destination, once it is published there. The one thing beside the
/// waiting files for which a call waits for the network; the answer is parked.
extension FileSystem {
    /// A published file of which nothing is here any more, opened.
    /// - Throws: `evicted` when it is to be written into, or can't be read where it is.
    func absent(
        _ record: NodeRecord, _ version: VersionID, asWriter isWriter: Bool
    ) throws(FileSystemError) -> Content {
        guard !isWriter else {
            explainOnce(
                "a published file whose bytes have made room can be read and replaced, but not changed: write it anew")
            throw .evicted
        }
        guard remoteFiles?.canRead == true else {
            explainOnce("a published file whose bytes have made room can't be read from this destination")
            throw .evicted
        }
        return Content(
            file: record.file, spoolFile: AbsentFile(version: version), size: record.size, isNew: false,
            context: writerContext, released: RangeSet(0..<record.size))
    }

    /// - Throws: `evicted` when the destination does not have it as a whole yet.
    func readBack(_ content: Content, _ count: Int, at offset: Int64) throws(FileSystemError) -> ReadAnswer {
        let remote = try remote(of: content)
        let end = min(remote.size, offset + Int64(count))
        guard offset < end else { return .bytes([]) }
        return .parked(
            Waiter { answer in
                remote.file.read(offset..<end) { result in
                    // Until then it is not closed, though the next reads go to another object.
                    withExtendedLifetime(remote.file) {}
                    answer(result.map { LateAnswer.bytes($0) }.mapError { FileSystemError($0) })
                }
            })
    }

    private func remote(of content: Content) throws(FileSystemError) -> (file: any RemoteFile, size: Int64) {
        let (version, size, known) = content.locked { ($0.version, $0.size, $0.remote) }
        if let known { return (known, size) }
        guard let remoteFiles, remoteFiles.canRead else { throw .evicted }
        let object = try namespace.locked { tree throws(FileSystemError) in
            try published(version, size: size, of: content.file, in: tree)
        }
        let file = try content.locked { state throws(FileSystemError) -> any RemoteFile in
            // Cut to nothing in this moment: the next read has what it is then.
            guard state.version == version else { throw .stale }
            let file = state.remote ?? remoteFiles.open(object)
            state.remote = file
            return file
        }
        return (file, size)
    }

    /// What is known of a version that is published as it is here.
    private func published(
        _ version: VersionID, size: Int64, of file: FileID, in tree: Tree
    ) throws(FileSystemError) -> ReadableObject {
        let node = try tree.node(file)
        guard let path = try tree.path(of: file) else { throw .stale }
        guard version != .listed else {
            guard node.record.isPublished, node.record.version == nil else { throw .stale }
            return try unknown(version, path, size: size, node.record, in: tree)
        }
        let upload = try journalled { () throws(JournalError) in try journal.upload(version) }
        if let upload {
            guard upload.phase == .done, let receipt = upload.receipt, receipt.size == size else { throw .evicted }
            return ReadableObject(version: version, path: path, size: size, receipt)
        }
        // Its row was pruned: by then it was published, and gone from here.
        guard node.record.isPublished, node.record.version == version else { throw .evicted }
        return try unknown(version, path, size: size, node.record, in: tree)
    }

    /// Of what there is no receipt (any more). After a rename it lies under its old name until it was copied.
    private func unknown(
        _ version: VersionID, _ path: UploadPath, size: Int64, _ record: NodeRecord, in tree: Tree
    ) throws(FileSystemError) -> ReadableObject {
        let owed = try tree.owedMove(of: record.file)?.object
        return ReadableObject(
            version: version, path: owed?.path ?? path, size: size, url: owed?.url,
            tag: version == .listed ? record.tag : nil)
    }
}

extension FileSystemError {
    fileprivate init(_ error: RemoteReadError) {
        self =
            switch error {
            case .failed(let failure): .unreadable(failure)
            case .closed: .stale
            }
    }
}

extension VersionID {
    /// Of what was only listed: it has none.
    static let listed = VersionID(0)
}
