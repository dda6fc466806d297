import Logging
import Synchronization
import UploadCore

/// What each request means. The operations are extensions, a file per family; they know nothing of
/// libfuse. Every method may be called from any thread.
final class FileSystem: Sendable {
    // Dependencies.
    let namespace: Namespace
    let spool: any Spool
    let journal: any Journal
    let uploads: any Uploads
    /// nil: nothing is read from the destination.
    let remoteFiles: (any RemoteFiles)?
    let logger: Logger
    let now: @Sendable () -> Timestamp

    // Constants.
    let configuration: MountConfiguration
    let statusFiles: StatusFiles

    /// Who is listed when; nil: nothing is.
    let turns: ListingTurns?

    /// Seconds for which the kernel may answer from memory: every change comes through it, so for
    /// as long as it likes. Where others may make changes at the destination, it is to ask again as often as that is.
    let validity: Double
    /// The same for names that are not there: they may come to be there with a listing, and below `.uploadfs` with
    /// the files that it mirrors.
    func missingValidity(in directory: UInt64) -> Double {
        turns == nil && StatusInode(directory) == nil ? validity : 0
    }

    private static let forever: Duration = .seconds(86_400)

    // State.
    let kernel = KernelCaches()
    private let explained = Mutex<Set<String>>([])

    init(
        namespace: Namespace, uploads: any Uploads, remoteFiles: (any RemoteFiles)? = nil, logger: Logger
    ) {
        self.remoteFiles = remoteFiles
        self.namespace = namespace
        self.spool = namespace.spool
        self.journal = namespace.journal
        self.uploads = uploads
        self.logger = logger
        self.now = namespace.now
        self.configuration = namespace.configuration
        turns = namespace.configuration.listing.map { ListingTurns(clock: $0.clock, patience: $0.patience) }
        validity = (namespace.configuration.listing?.refresh ?? Self.forever) / .seconds(1)
        statusFiles = StatusFiles(namespace: namespace, uploads: uploads)
    }

    /// Who asks, as the kernel tells.
    struct Caller: Sendable {
        var owner: UInt32
        var group: UInt32
        /// 0: of another pid namespace.
        var thread: Int32 = 0
    }

    /// Errors that are nobody's wish are logged here, once each time they happen.
    func note(_ error: FileSystemError, in operation: StaticString) {
        guard error.isUnexpected else { return }
        logger.error("a filesystem call failed", metadata: ["call": "\(operation)", "error": "\(error)"])
    }

    /// Says why something was refused the first time that it is.
    func explainOnce(_ sentence: String, metadata: Logger.Metadata = [:]) {
        guard explained.withLock({ $0.insert(sentence).inserted }) else { return }
        logger.info("\(sentence)", metadata: metadata)
    }

    /// The one check of every name that comes in to be made, and of where it shall be made.
    func checkedName(_ bytes: [UInt8], in parent: UInt64) throws(FileSystemError) -> FileName {
        guard StatusInode(parent) == nil else { throw .reserved }
        let name: FileName
        do throws(FileNameError) {
            name = try FileName(bytes: bytes)
        } catch {
            if error == .notUTF8 {
                logger.info(
                    "a name was refused: names must be UTF-8, since destinations know no others",
                    metadata: ["name": "\(String(decoding: bytes, as: UTF8.self))"])
            }
            throw FileSystemError(error)
        }
        guard !isStatusDirectory(name, in: parent) else { throw .reserved }
        return name
    }

    func isStatusDirectory(_ name: FileName, in parent: UInt64) -> Bool {
        parent == FileID.root.rawValue && name.text == StatusFiles.directoryName
    }

    /// Directories show when something in them came or went.
    func touched(_ directory: NodeRecord, at moment: Timestamp) -> NodeRecord {
        var record = directory
        record.attributes.modified = moment
        record.attributes.changed = moment
        return record
    }

    func entry(_ node: CachedNode) -> Entry {
        var attributes = node.attributes
        if let version = node.content?.locked(\.version) ?? node.record.version {
            attributes.occupied = spool.occupied(by: version)
        }
        return Entry(attributes: attributes, validity: validity)
    }
}
