import UploadCore

extension Namespace {
    /// What lies at the destination under its name was not published from here: what is known of uploads of it is of
    /// the past.
    func isOthers(_ file: FileID) -> Bool {
        locked { tree in
            guard let record = try? tree.node(file).record else { return false }
            return record.kind == .file && record.hardLinkOf == nil && record.version == nil
        }
    }
}
