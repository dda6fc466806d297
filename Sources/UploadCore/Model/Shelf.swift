/// Versions that wait for their turn and are in the journal alone. Of a queue of a million files a few thousand are in
/// memory; of the others this, which grows with the gaps between their numbers, and not with their count.
package struct Shelf: Sendable, Hashable {
    /// Their numbers.
    package private(set) var versions = RangeSet<Int64>()
    package private(set) var count = 0
    /// What is to be sent of all of them.
    package private(set) var bytes: Int64 = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package func contains(_ version: VersionID) -> Bool { versions.contains(version.rawValue) }

    /// - Parameter bytes: of its content.
    package mutating func put(_ version: VersionID, bytes: Int64) {
        guard !contains(version) else { return }
        versions.insert(contentsOf: version.rawValue..<version.rawValue + 1)
        count += 1
        self.bytes += bytes
    }

    /// - Parameter bytes: as when it was put there, as far as is known.
    package mutating func take(_ version: VersionID, bytes: Int64) {
        guard contains(version) else { return }
        versions.remove(contentsOf: version.rawValue..<version.rawValue + 1)
        count -= 1
        // Of one whose row is gone nobody knows how much it was.
        self.bytes = isEmpty ? 0 : max(0, self.bytes - bytes)
    }

    /// The oldest, so many at the most.
    package func first(_ limit: Int) -> [VersionID] {
        var oldest: [VersionID] = []
        for range in versions.ranges {
            oldest += range.prefix(limit - oldest.count).map { VersionID($0) }
            if oldest.count == limit { break }
        }
        return oldest
    }
}
