package import UploadCore

extension Namespace {
    package func placed(_ owed: OwedMove, _ copy: CopiedObject) throws(JournalError) {
        // Under the lock: a rename journals what it finds owed, and this changes that.
        _ = try unlessGone { () throws(FileSystemError) -> Bool? in
            try locked { tree throws(FileSystemError) in
                let path = if let file = owed.file { try tree.path(of: file) } else { UploadPath?.none }
                guard let file = owed.file, let path, try tree.owedMove(owed.number) != nil else {
                    // Removed, or it came back, since the copy was begun: that is nobody's.
                    try journalled([.oweDeletion(copy.object, successor: path == nil ? nil : owed.file)])
                    return false
                }
                var changes: [JournalChange] = [.placed(file, at: copy.object, sourceTag: copy.sourceTag)]
                // Renamed once more.
                if path != copy.object.path { changes.append(.oweMove(file, copy.object)) }
                try journalled(changes)
                // Who reads it from there goes on with the copy.
                let node = try tree.node(file)
                node.content?.locked { $0.remote = nil }
                var record = node.record
                if record.version == nil, record.kind == .file {
                    record.tag = copy.object.tag
                    tree.recorded(record)
                }
                return true
            }
        }
    }
}
