import Dispatch

/// Work that waits for a disk, away from the few threads on which tasks run.
enum Disk {
    private static let queue = DispatchQueue(label: "uploadfs.disk", attributes: .concurrent)

    @Sendable static func run(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            queue.async {
                work()
                continuation.resume()
            }
        }
    }
}
