/// What lies at a destination, as far as it can tell (`DestinationLimits.canList`): whoever has put it there.
package protocol Listing: Sendable {
    /// A page of what lies directly in a directory: its files, and the names that have something below them.
    /// - Parameters:
    ///   - directory: without a name: all that lies in the destination's own place.
    ///   - mark: where the page before ended; nil: the first one.
    func list(_ directory: UploadPath, after mark: ListingMark?) async throws(DestinationError) -> ListingPage

    /// What one name of a directory has: nothing, a file, something below it, or both.
    func find(_ name: FileName, in directory: UploadPath) async throws(DestinationError) -> [ListedEntry]
}

extension Destination {
    /// For those that can't.
    package func list(_ directory: UploadPath, after mark: ListingMark?) async throws(DestinationError) -> ListingPage {
        throw .rejected(Self.tellsNothing)
    }

    package func find(_ name: FileName, in directory: UploadPath) async throws(DestinationError) -> [ListedEntry] {
        throw .rejected(Self.tellsNothing)
    }

    private static var tellsNothing: Rejection {
        Rejection(status: 501, cause: .other, detail: "it does not tell what lies there")
    }
}

/// Where a page ends, in the destination's own words.
package struct ListingMark: Hashable, Sendable {
    package let rawValue: String

    package init(_ rawValue: String) {
        self.rawValue = rawValue
    }
}

package struct ListingPage: Sendable, Hashable {
    package var entries: [ListedEntry]
    /// What no file could have for a name, as the destination calls it.
    package var leftOut: [String]
    /// nil: this is the last one.
    package var next: ListingMark?

    package init(entries: [ListedEntry], leftOut: [String] = [], next: ListingMark? = nil) {
        self.entries = entries
        self.leftOut = leftOut
        self.next = next
    }
}

/// One name of a directory. An object and something below it may have the same.
package struct ListedEntry: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case directory
        case file(ListedObject)
    }

    package let name: FileName
    package let kind: Kind

    package init(name: FileName, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// An object as a listing tells of it.
package struct ListedObject: Sendable, Hashable {
    package let size: Int64
    /// When it was put there.
    package let modified: Timestamp
    /// Another one for other content: an ETag without its quotes. nil: it is told without one.
    package let tag: String?

    package init(size: Int64, modified: Timestamp, tag: String?) {
        self.size = size
        self.modified = modified
        self.tag = tag
    }
}

/// What the journal does for listings.
///
/// Listings are numbered. A node's `listed` is the number of the last one that was begun before it was last known to
/// be at the destination: it was listed, or published. So what a complete listing does not show has gone if its number
/// is a lower one, and what came to be published while it was made has not.
package protocol ListingJournal: Sendable {
    /// Those of these names that the directory has, in no order.
    func children(of parent: FileID, named names: [FileName]) throws(JournalError) -> [NodeRecord]
    /// What was at the destination before that listing was begun, and was not seen since: in byte order of the names,
    /// those after `after`, at most `limit`.
    func unlisted(
        in parent: FileID, before listing: Int64, after: FileName?, limit: Int
    ) throws(JournalError) -> [NodeRecord]
    /// The number of the last one.
    func lastListing() throws(JournalError) -> Int64
}
