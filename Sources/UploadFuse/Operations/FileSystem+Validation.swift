import UploadCore

/// `--allow-type` and what the destination takes: refused at once, and not after the upload.
extension FileSystem {
    /// By its name, when one is given to a file: only that under which it is published counts.
    /// - Throws: `typeRefused`.
    func checkType(of name: FileName, in directory: FileID, _ tree: Tree) throws(FileSystemError) {
        guard configuration.restrictsTypes(), let path = try tree.path(of: directory)?.appending(name),
            configuration.classifier.classify(path) == .ordinary
        else { return }
        try checkType(ContentType.of(name))
    }

    /// By its first bytes, when it is closed: a name is easily given.
    /// - Throws: `typeRefused`; it must not be published then.
    func checkType(of content: Content) throws(FileSystemError) {
        guard configuration.restrictsTypes() else { return }
        let (file, isChanged) = content.locked { ($0.spoolFile, $0.isChanged) }
        guard isChanged else { return }
        let bytes = try spooled { () throws(SpoolError) in try file.bytes(ContentType.evidence, at: 0) }
        guard let type = ContentType.evident(in: bytes) else { return }
        do throws(FileSystemError) {
            try checkType(type)
        } catch {
            content.locked { content.spoil(&$0, error, FailureSentences.typeRefused(type)) }
            throw error
        }
    }

    private func checkType(_ type: String) throws(FileSystemError) {
        guard !configuration.allowsType(type) else { return }
        explainOnce("files of type \(type) are not taken: neither a name nor a content that says so")
        throw .typeRefused
    }
}
