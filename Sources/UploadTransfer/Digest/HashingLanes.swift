import Dispatch
import Synchronization

/// Threads that read the spool and hash it: work that blocks on a disk and burns a processor belongs
/// neither on Swift's cooperative threads nor on the curl thread.
final class HashingLanes: Sendable {
    private let queues: [DispatchQueue]
    private let turn = Atomic<Int>(0)

    init(count: Int) {
        queues = (0..<max(1, count)).map { DispatchQueue(label: "uploadfs.hashing.\($0)") }
    }

    /// One of them, in turn.
    func lane() -> HashingLane {
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return HashingLane(queue: queues[Int(UInt(bitPattern: number) % UInt(queues.count))])
    }
}

/// What is run on one lane runs one after the other, in the order in which it came.
struct HashingLane: Sendable {
    fileprivate let queue: DispatchQueue

    func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result(catching: work)) }
        }
        return try result.get()
    }
}
