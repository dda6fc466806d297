package import UploadCore

extension MemoryJournal.State {
    /// What was owed of that object before is void.
    mutating func owe(_ object: ObjectReference, _ file: FileID?, _ successor: FileID? = nil) {
        moves = moves.filter { $0.value.object.path != object.path }
        lastMove += 1
        moves[lastMove] = OwedMove(number: lastMove, object: object, file: file, successor: successor)
    }

    mutating func abandonMove(of file: FileID, _ successor: FileID?, _ sourceTag: String?) {
        guard let left = moves.values.first(where: { $0.file == file })?.object else { return }
        owe(
            ObjectReference(path: left.path, url: left.url, size: left.size, tag: sourceTag ?? left.tag), nil, successor
        )
    }

    mutating func place(_ file: FileID, at object: ObjectReference, _ sourceTag: String?) {
        moves = moves.filter { _, move in
            guard move.object.path == object.path else { return true }
            if let owner = move.file { return owner != file }
            return move.object.url != nil && object.url != nil && move.object.url != object.url
        }
        moves = moves.filter {
            $0.value.file != file || $0.value.object.url == nil || $0.value.object.url != object.url
        }
        abandonMove(of: file, file, sourceTag)
        if let node = nodes[file], node.kind == .file {
            nodes[file]?.tag = node.version == nil ? object.tag : nil
            if node.listed != nil { nodes[file]?.listed = lastListing }
        }
        guard let url = object.url,
            let upload = uploads.values.filter({ $0.file == file && $0.receipt != nil })
                .max(by: { $0.version < $1.version }),
            let receipt = upload.receipt
        else { return }
        uploads[upload.version]?.receipt = PublishReceipt(
            url: url, size: receipt.size, digest: receipt.digest,
            tag: object.tag ?? (receipt.url == url ? receipt.tag : nil))
    }
}

extension MemoryJournal {
    package func owedMoves(after number: Int64) throws(JournalError) -> [OwedMove] {
        try read { $0.moves.values.filter { $0.number > number }.sorted { $0.number < $1.number } }
    }

    package func owedMove(_ number: Int64) throws(JournalError) -> OwedMove? {
        try read { $0.moves[number] }
    }

    package func owedMove(of file: FileID) throws(JournalError) -> OwedMove? {
        try read { $0.moves.values.first { $0.file == file } }
    }

    package func owedMove(from path: UploadPath) throws(JournalError) -> OwedMove? {
        try read { $0.moves.values.first { $0.object.path == path } }
    }
}
