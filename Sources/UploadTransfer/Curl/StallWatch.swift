/// Notices that no byte has moved for too long. Pure: the time comes in.
///
/// "Handed over" means the kernel took the bytes; on a slow line it may be minutes before the last of
/// them have left. So a send queue that shrinks between two looks counts as movement too.
struct StallWatch<Instant: InstantProtocol> where Instant.Duration == Duration {
    /// nil while there is no connection: connecting has a time limit of its own.
    private var lastMove: Instant?
    private var lastQueue: Int?
    private(set) var nextLook: Instant?

    /// Looks per allowance: the queue is compared so often before the verdict.
    private static var looks: Int { 4 }

    init() {}

    mutating func moved(at now: Instant, allowance: Duration) {
        lastMove = now
        lastQueue = nil
        nextLook = now.advanced(by: allowance / Self.looks)
    }

    /// - Parameters:
    ///   - allowance: for how long nothing may move.
    ///   - queue: bytes in the kernel that the other side has not acknowledged; nil when unknown.
    /// - Returns: whether the connection has stalled.
    mutating func look(at now: Instant, allowance: Duration, queue: Int?) -> Bool {
        guard let lastMove else { return false }
        if let queue, let before = lastQueue, queue < before {
            moved(at: now, allowance: allowance)
            lastQueue = queue
            return false
        }
        lastQueue = queue
        let end = lastMove.advanced(by: allowance)
        nextLook = min(end, now.advanced(by: allowance / Self.looks))
        return now >= end
    }
}
