package import UploadCore

extension MemoryJournal {
    package func children(of parent: FileID, named names: [FileName]) throws(JournalError) -> [NodeRecord] {
        let wanted = Set(names)
        return try read { state in
            state.nodes.values.filter { $0.parent == parent && $0.name.map(wanted.contains) ?? false }
        }
    }

    package func unlisted(
        in parent: FileID, before listing: Int64, after: FileName?, limit: Int
    ) throws(JournalError) -> [NodeRecord] {
        try children(of: parent, after: after, limit: .max)
            .filter { $0.listed.map { $0 < listing } ?? false }.prefix(limit).map { $0 }
    }

    package func lastListing() throws(JournalError) -> Int64 {
        try read(\.lastListing)
    }
}
