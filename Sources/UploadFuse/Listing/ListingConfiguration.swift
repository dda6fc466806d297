package import UploadCore

/// `--list`: how what lies at the destination comes to be seen in the mount.
///
/// This folder decides when a directory is listed, and who waits for that (`ListingTurns`). What comes of it is put
/// into the tree by Operations (`FileSystem+Merging`); nothing here knows of pages or names.
package struct ListingConfiguration: Sendable {
    package var source: any Listing
    /// A directory whose last listing is older than that is listed again when somebody looks into it.
    package var refresh: Duration
    /// How long a call waits for the first listing of a directory.
    package var patience: Duration = .seconds(5)
    package var clock: any Clock<Duration>
    /// Where it is told what is being listed, and how it went.
    package var board: ListingBoard

    package init(source: any Listing, refresh: Duration, clock: any Clock<Duration>, board: ListingBoard) {
        self.source = source
        self.refresh = refresh
        self.clock = clock
        self.board = board
    }
}
