import Glibc
import UploadCore

/// Everything that a filesystem call can be refused for, and the one table of errno.
enum FileSystemError: Error, Sendable, Hashable {
    case notFound
    /// The kernel still knows it by a name that is gone; it looks the name up again when it hears this.
    case stale
    case exists
    case notDirectory
    case isDirectory
    case notEmpty
    case nameTooLong
    /// A name whose bytes are no UTF-8 can't be told to any destination.
    case nameNotUTF8
    case invalid
    /// The object is at the destination, and we are not to delete there.
    case published
    /// It is being published at this very moment; a moment later it is published, or free again.
    case beingPublished
    /// Published under the old name, and its object can't follow it: the caller shall copy and delete.
    case renameOfPublished
    /// `.uploadfs` and what is in it belongs to us.
    case reserved
    /// Devices, pipes, hard links to what is not here: no object can stand for one.
    case unsupportedKind
    case tooManyLinks
    case unsupported
    case noSuchAttribute
    case attributeExists
    case attributeBufferTooSmall
    case attributeTooLarge
    case badHandle
    /// There is no data, or no hole, from there on.
    case noSuchExtent
    case tooLarge
    /// Neither its name nor its content may say that it is of a type that is not taken.
    case typeRefused
    case noSpace
    /// It was uploaded and has left the spool to make room: what is being written has become a stream.
    case released
    /// Its bytes are at the destination, and no longer here.
    case evicted
    /// And they could not be read there.
    case unreadable(Failure)
    /// What was written before is not here, and can't be published any more.
    case lost
    case interrupted
    /// A decision that does not fit what the file is doing.
    case notNow
    /// Other names of the file are to be published with what would be given up.
    case sharedWithNames
    /// Its first name can't go: the further names are not published, and can't be from what is here now.
    case namesUnsettled
    /// The mount is going away.
    case ending
    /// `wait/PATH`: it will not be uploaded without somebody's decision.
    case uploadFailed
    case spool(SpoolError)
    case journal(JournalError)

    /// errno(3), positive.
    var code: Int32 {
        switch self {
        case .notFound: ENOENT
        case .stale: ESTALE
        case .exists: EEXIST
        case .notDirectory: ENOTDIR
        case .isDirectory: EISDIR
        case .notEmpty: ENOTEMPTY
        case .nameTooLong: ENAMETOOLONG
        case .nameNotUTF8: EILSEQ
        case .invalid: EINVAL
        case .published: EPERM
        case .beingPublished: EBUSY
        case .renameOfPublished: EXDEV
        case .reserved: EPERM
        case .unsupportedKind: EPERM
        case .tooManyLinks: EMLINK
        case .unsupported: EOPNOTSUPP
        case .noSuchAttribute: ENODATA
        case .attributeExists: EEXIST
        case .attributeBufferTooSmall: ERANGE
        case .attributeTooLarge: E2BIG
        case .badHandle: EBADF
        case .noSuchExtent: ENXIO
        case .tooLarge: EFBIG
        case .typeRefused: EPERM
        case .noSpace: ENOSPC
        case .released: ESPIPE
        case .evicted, .unreadable, .lost: EIO
        case .interrupted: EINTR
        case .notNow: EINVAL
        case .sharedWithNames, .namesUnsettled: EBUSY
        case .ending: EIO
        case .uploadFailed: EIO
        case .spool(.noSpace), .journal(.noSpace): ENOSPC
        case .spool(.exhausted): ENFILE
        // The spool's filesystem has no files of that size.
        case .spool(.system(_, EFBIG)): EFBIG
        case .spool(.missing), .spool(.short), .spool(.system): EIO
        case .journal(.database), .journal(.damaged), .journal(.newer): EIO
        }
    }

    /// For the log, where the caller has only a number.
    var reason: String {
        switch self {
        case .notFound: "there is no such file"
        case .isDirectory: "it is a directory"
        case .published: "it is published, and no earlier content is kept here: write it again, or release it"
        case .beingPublished: "it is being published at this moment"
        case .notNow: "that does not fit the phase that it is in, or a program has it open for writing"
        case .sharedWithNames: "other names of it are still to be published with that: cancel those first"
        case .lost: "what there is of it is not what was written: write it again"
        case .unreadable(let failure): failure.reason
        default: "\(self)"
        }
    }

    /// Nothing that the caller did: somebody should read of it in the log.
    var isUnexpected: Bool {
        switch self {
        case .spool(.system(_, EFBIG)): false
        case .spool, .journal, .badHandle: true
        case .notFound, .stale, .exists, .notDirectory, .isDirectory, .notEmpty, .nameTooLong, .nameNotUTF8, .invalid,
            .published, .beingPublished, .renameOfPublished, .reserved, .unsupportedKind, .tooManyLinks, .unsupported,
            .noSuchAttribute, .attributeExists, .attributeBufferTooSmall, .attributeTooLarge, .noSuchExtent, .tooLarge,
            .typeRefused, .noSpace, .released, .evicted, .unreadable, .lost, .interrupted, .notNow, .sharedWithNames,
            .namesUnsettled, .ending, .uploadFailed:
            false
        }
    }

    init(_ error: FileNameError) {
        self =
            switch error {
            case .tooLong: .nameTooLong
            case .notUTF8: .nameNotUTF8
            case .notAName: .invalid
            }
    }

    init(_ error: SpoolError) {
        switch error {
        case .noSpace: self = .noSpace
        case .missing, .short, .system, .exhausted: self = .spool(error)
        }
    }
}

/// Journal calls with the filesystem's error type.
func journalled<T>(_ work: () throws(JournalError) -> T) throws(FileSystemError) -> T {
    do throws(JournalError) { return try work() } catch { throw .journal(error) }
}

/// Spool calls with the filesystem's error type.
func spooled<T>(_ work: () throws(SpoolError) -> T) throws(FileSystemError) -> T {
    do throws(SpoolError) { return try work() } catch { throw FileSystemError(error) }
}
