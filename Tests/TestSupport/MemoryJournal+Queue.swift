package import UploadCore

/// What is on its way.
extension MemoryJournal {
    package func shelf(beyond count: Int) throws(JournalError) -> Shelf {
        let unfinished = try unfinishedUploads()
        return try read { state in
            let waiting = unfinished.filter { upload in
                guard let node = state.nodes[upload.file], node.version == upload.version, node.kind == .file,
                    upload.phase == .queued, upload.session == nil, upload.closed != nil,
                    upload.durable == upload.closed, upload.retries == 0, upload.isSpooled,
                    state.chunks[upload.version]?.isEmpty ?? true
                else { return false }
                return !state.uploads.values.contains { other in
                    other.file == upload.file && other.version != upload.version
                        && (other.version > upload.version || other.phase != .done && other.phase != .cancelled)
                }
            }
            var shelf = Shelf()
            for upload in waiting.dropFirst(count) { shelf.put(upload.version, bytes: upload.closedSize ?? 0) }
            return shelf
        }
    }

    package func unfinishedUploads(besides shelf: Shelf) throws(JournalError) -> [UploadRecord] {
        try read { state in
            state.uploads.values.filter {
                $0.phase != .done && $0.phase != .cancelled && !shelf.contains($0.version)
            }.sorted { $0.version < $1.version }
        }
    }
}
