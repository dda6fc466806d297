/// The bytes that writers gave us, on this machine: one sparse file per version.
/// Implemented by UploadStore/Spool.
package protocol Spool: Sendable {
    /// A new, empty spool file. One of the same version that is there already (a crash came between
    /// the journal and this) is emptied.
    func create(_ version: VersionID) throws(SpoolError) -> any SpoolFile

    /// A new spool file with the bytes that another has, also when that one has lost its name by now.
    ///
    /// Also when the quota has no room for it: what is promised goes before the quota, and who changes it is held up
    /// after that.
    /// - Returns: nil when that would take too long: the filesystem can't share the bytes, and they are many.
    func copy(_ original: any SpoolFile, to new: VersionID) throws(SpoolError) -> (any SpoolFile)?

    /// One more name for a spool file: the bytes are the same, and what changes them changes both. They are counted
    /// for each name.
    func link(_ original: VersionID, to new: VersionID) throws(SpoolError)

    /// Whether two versions are names of the same bytes. One that is not here has none.
    func isSame(_ one: VersionID, as other: VersionID) -> Bool

    /// Whether any other version is a name of the same bytes.
    func isLinked(_ version: VersionID) -> Bool

    /// All versions that are names of the same bytes, this one too, in no order: none when it is not here. Looks at
    /// every spool file, so it is for what happens rarely.
    func sharing(with version: VersionID) throws(SpoolError) -> [VersionID]

    /// The spool file of a version, for reading and writing. Asked twice while somebody still holds
    /// the first answer, gives the same object: one descriptor per version.
    func open(_ version: VersionID) throws(SpoolError) -> any SpoolFile

    /// Takes its name away; who still holds it open goes on with it. One that is gone is no error.
    func remove(_ version: VersionID) throws(SpoolError)

    /// Bytes that the spool file of a version has, as stat(2) tells.
    func size(of version: VersionID) throws(SpoolError) -> Int64

    /// Bytes that the spool file of a version takes on the disk, as they were counted last; 0: it has none.
    func occupied(by version: VersionID) -> Int64

    /// Every version that has a spool file, in no order.
    func versions() throws(SpoolError) -> [VersionID]

    /// Brings the bytes of all of these to stable storage, and their names: together, which costs little
    /// more than one of them alone. Blocks as long as the disk takes.
    /// - Returns: which are there now, and which never will be, also of those that were not asked for and have the
    ///   same bytes. Of the others nothing can be said at the moment.
    func synchronize(_ versions: [VersionID]) -> Synchronized

    /// How much of the quota is in use; kept up to date by whatever is done through this seam.
    var gauge: SpoolGauge { get }

    /// What statvfs(3) says of the filesystem below, within the quota.
    /// - Parameter evictable: bytes in the spool that can be given away at once.
    func capacity(evictable: Int64) throws(SpoolError) -> SpoolCapacity
}

/// One version's bytes. Every method may be called from any thread at any time.
package protocol SpoolFile: AnyObject, Sendable {
    var version: VersionID { get }

    /// The open descriptor (O_RDWR), for those who splice. Don't close it, don't keep it beyond the object's life.
    var descriptor: Int32 { get }

    /// - Returns: how many bytes were read: fewer than asked only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SpoolError) -> Int

    /// Writes all of it, or throws.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SpoolError)

    func truncate(to size: Int64) throws(SpoolError)

    /// Gives these bytes' room back; they read as zeros from then on.
    func punch(_ range: Range<Int64>) throws(SpoolError)

    /// Gives these bytes room on the disk, and changes none that are there.
    /// - Parameter keepingSize: else the file ends behind them at the least.
    func allocate(_ range: Range<Int64>, keepingSize: Bool) throws(SpoolError)

    /// Where data, or a hole, begins from there on, as SEEK_DATA and SEEK_HOLE of lseek(2) tell; the end is a hole.
    /// - Returns: nil when there is none: at the end or behind it, or no data up to the end.
    func next(_ kind: SpoolExtent, from offset: Int64) throws(SpoolError) -> Int64?

    /// Tells the gauge what was written past this seam, through `descriptor`.
    func measure()

    /// Bytes, as fstat(2) tells.
    func size() throws(SpoolError) -> Int64

    /// On stable storage when it returns (fdatasync, and the directory entry the first time).
    func synchronize() throws(SpoolError)
}

package enum SpoolExtent: Sendable {
    case data
    case hole
}

extension SpoolFile {
    /// A copy of `count` bytes; fewer only at the end of the file.
    package func bytes(_ count: Int, at offset: Int64) throws(SpoolError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let outcome = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(SpoolError) in try read(into: buffer, at: offset) }
        }
        return Array(bytes[..<(try outcome.get())])
    }
}

/// What became of versions that were to be brought to stable storage.
package struct Synchronized: Sendable {
    package var durable: [VersionID]
    /// The disk refused some of their bytes, and nobody knows which; or they are gone.
    package var damaged: [VersionID: SpoolError]

    package init(durable: [VersionID] = [], damaged: [VersionID: SpoolError] = [:]) {
        self.durable = durable
        self.damaged = damaged
    }
}

package struct SpoolCapacity: Sendable, Hashable {
    /// Bytes of one block; `total` and `available` count these.
    package let blockSize: UInt64
    package let total: UInt64
    package let available: UInt64
    package let files: UInt64
    package let filesAvailable: UInt64

    package init(blockSize: UInt64, total: UInt64, available: UInt64, files: UInt64, filesAvailable: UInt64) {
        self.blockSize = blockSize
        self.total = total
        self.available = available
        self.files = files
        self.filesAvailable = filesAvailable
    }
}
