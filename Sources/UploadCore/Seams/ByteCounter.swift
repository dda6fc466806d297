import Synchronization

/// Counts bytes from one thread while others read it.
package final class ByteCounter: Sendable {
    private let count = Atomic<Int64>(0)

    package init() {}

    package func add(_ bytes: Int64) {
        count.wrappingAdd(bytes, ordering: .relaxed)
    }

    package var value: Int64 { count.load(ordering: .relaxed) }
}
