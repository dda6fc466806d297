import Synchronization

/// How often a path has changed: whoever knows one need not ask for it again while this stays as it was before he asked.
final class PathCount: Sendable {
    private let count = Atomic<UInt64>(0)

    var value: UInt64 { count.load(ordering: .acquiring) }

    /// Call under the lock that the path changes under: who asks for one waits until that is over.
    func increase() { count.add(1, ordering: .releasing) }
}
