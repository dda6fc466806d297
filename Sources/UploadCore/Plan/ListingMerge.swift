/// What becomes of a name here when a listing of the destination tells of it, or no longer does. Pure.
///
/// What was written here and is not published goes before what is listed, always. Of what is published the destination
/// knows better:
///
/// | here | listed | then |
/// | --- | --- | --- |
/// | nothing | anything | added |
/// | a directory | something below the name | the same |
/// | a directory | an object | left out |
/// | a file that was only listed | something below the name | displaced by that directory |
/// | any other file, a link | something below the name | left out |
/// | a file being written, published, or waiting for that | an object | kept |
/// | a file that was published since the listing was begun | an object | kept: it may be the one before |
/// | a file with several names, a symbolic link | an object | kept: its content is that of another name, too |
/// | a published file | an object of its size and tag | the same |
/// | a published file | another object | replaced |
package enum ListingMerge {
    package enum Verdict: Sendable, Hashable {
        /// It comes to be.
        case added
        /// Nothing is new.
        case same
        /// Somebody else has put another object there.
        case replaced
        /// What is here stays, whatever lies there.
        case kept
        /// What was only listed goes, and the directory takes its place.
        case displaced
        /// There is no place for it.
        case leftOut
    }

    /// What this mount knows of a name.
    package struct Known: Sendable, Hashable {
        /// As the journal has it.
        package let node: NodeRecord
        /// That of its version; nil: it has none, or was published so long ago that its row was pruned.
        package let upload: UploadRecord?
        /// Somebody has it open, or it is being published.
        package let isInUse: Bool

        package init(node: NodeRecord, upload: UploadRecord?, isInUse: Bool) {
            self.node = node
            self.upload = upload
            self.isInUse = isInUse
        }

        /// Its content is what the destination was last known to have under its name alone.
        private var isPublishedAlone: Bool {
            node.isPublished && upload.map { $0.phase == .done } ?? true && node.hardLinkOf == nil && node.names == 1
                && node.kind == .file
        }

        fileprivate func mayChange(since listing: Int64) -> Bool {
            isPublishedAlone && !isInUse && node.listed.map { $0 < listing } ?? true
        }

        fileprivate var isOnlyListed: Bool { isPublishedAlone && !isInUse && node.version == nil }

        fileprivate func isSame(as object: ListedObject) -> Bool {
            guard object.size == upload?.receipt?.size ?? node.size else { return false }
            // Where one of the two is not known, the size has to do.
            guard let tag = knownTag, let listed = object.tag else { return true }
            return tag == listed
        }

        private var knownTag: String? { node.tag }

        fileprivate func mayVanish(before listing: Int64) -> Bool {
            guard let listed = node.listed, listed < listing, !isInUse else { return false }
            return node.kind == .directory || isPublishedAlone
        }
    }

    /// - Parameters:
    ///   - known: who has the name here; nil: nobody.
    ///   - listing: the number of the listing that tells it.
    package static func verdict(_ entry: ListedEntry, _ known: Known?, listing: Int64) -> Verdict {
        guard let known else { return .added }
        switch (entry.kind, known.node.kind) {
        case (.directory, .directory): return .same
        case (.directory, .file): return known.isOnlyListed ? .displaced : .leftOut
        case (.directory, .link), (.file, .directory): return .leftOut
        case (.file, .link): return .kept
        case (.file(let object), .file):
            guard known.mayChange(since: listing) else { return .kept }
            return known.isSame(as: object) ? .same : .replaced
        }
    }

    /// A complete listing of this number does not tell of it. A directory may go when nothing is in it.
    package static func mayVanish(_ known: Known, before listing: Int64) -> Bool {
        known.mayVanish(before: listing)
    }
}
