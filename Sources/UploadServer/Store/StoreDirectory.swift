import FoundationEssentials
import Glibc

/// The server's directory, opened and locked: what is published lies below `root`, what is unfinished in
/// `.incoming` beside it, on the same filesystem.
struct StoreDirectory: Sendable {
    let root: OpenFile
    let incoming: OpenFile
    private let lock: StoreLock
    private let incomingPath: String

    static let incomingName = ".incoming"
    private static let lockName = "lock"

    /// Makes what is not there, for nobody but us (0700).
    init(path: String) throws(UploadServerError) {
        let file: OpenFile
        do throws(StoreError) {
            try Self.make(path)
            root = try .open(path, flags: O_RDONLY | O_DIRECTORY)
            guard mkdirat(root.descriptor, Self.incomingName, 0o700) == 0 || errno == EEXIST else {
                throw .last("mkdir")
            }
            incoming = try .open(Self.incomingName, below: root, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            file = try .open(Self.lockName, below: incoming, flags: O_RDWR | O_CREAT)
        } catch {
            throw Self.explain(error, path)
        }
        guard let lock = StoreLock(taking: file) else { throw .directoryInUse(path: path) }
        self.lock = lock
        incomingPath = path + "/" + Self.incomingName
    }

    /// Every name in `.incoming`.
    func incomingNames() throws(StoreError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: incomingPath)
        } catch {
            throw .system(call: "readdir", errno: EIO)
        }
    }

    private static func make(_ path: String) throws(StoreError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .last("mkdir")
        }
        try make(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last("mkdir") }
    }

    private static func explain(_ error: StoreError, _ path: String) -> UploadServerError {
        switch error {
        case .system(_, EACCES), .system(_, EPERM), .system(_, EROFS): .directoryPermission(path: path)
        case .system(_, let code): .directoryUnusable(path: path, errno: code)
        case .diskFull: .directoryUnusable(path: path, errno: ENOSPC)
        case .unknownSession, .sessionClosed, .superseded, .tooManySessions, .digestMismatch, .missingChunks,
            .nameTaken, .outdated, .finalizedDifferently, .noSuchFile, .bodyBroken, .beyondFilesystem, .shuttingDown:
            .directoryUnusable(path: path, errno: EIO)
        }
    }
}

/// flock(2), held as long as this lives; the kernel lets go of it when the process dies, however it does.
private final class StoreLock: Sendable {
    private let file: OpenFile

    /// nil: somebody else has it.
    init?(taking file: OpenFile) {
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
        self.file = file
    }

    deinit {
        // Closing does not let go of it while a process that we start has a copy of the descriptor, from fork to exec.
        _ = flock(file.descriptor, LOCK_UN)
    }
}
