import Crypto

/// The SHA-256 of the chunks from the first on without a gap, as far as it has been calculated. It runs
/// behind the chunks as they arrive, so that finalizing has little left to read. Pure bookkeeping.
struct HashedPrefix: Sendable {
    /// Of the first `chunks` chunks, `bytes` bytes.
    private(set) var hasher = SHA256()
    private(set) var chunks = 0
    private(set) var bytes: Int64 = 0

    /// Grows whenever something may have changed under a calculation that is under way.
    private var epoch = 0
    private var restarts = 0
    private var isAdvancing = false

    /// A writer who comes back to the beginning again and again would make us hash everything each time.
    /// After so many restarts the rest waits for finalize.
    private static let maximumRestarts = 3

    /// One calculation to make: `hasher` goes on with the bytes of chunk `index`.
    struct Step: Sendable {
        var hasher: SHA256
        let index: Int
        let length: Int64
        fileprivate let epoch: Int
    }

    /// Only one calculation is ever under way.
    /// - Returns: whether the caller is the one that makes it.
    mutating func begin() -> Bool {
        guard !isAdvancing, restarts < Self.maximumRestarts else { return false }
        isAdvancing = true
        return true
    }

    /// - Parameter record: of chunk number `chunks`; nil when that is not stored yet: then the calculation is over.
    mutating func next(_ record: ChunkRecord?) -> Step? {
        guard let record, restarts < Self.maximumRestarts else {
            isAdvancing = false
            return nil
        }
        return Step(hasher: hasher, index: chunks, length: record.length, epoch: epoch)
    }

    /// Takes a finished step in, unless its bytes changed meanwhile.
    mutating func accept(_ step: Step) {
        guard step.epoch == epoch else { return }
        hasher = step.hasher
        chunks = step.index + 1
        bytes += step.length
    }

    /// A step that could not be read.
    mutating func giveUp() {
        isAdvancing = false
    }

    /// The bytes of this chunk are about to change.
    mutating func invalidate(_ index: Int) {
        guard index <= chunks else { return }
        epoch += 1
        guard index < chunks else { return }
        restarts += 1
        hasher = SHA256()
        chunks = 0
        bytes = 0
    }
}
