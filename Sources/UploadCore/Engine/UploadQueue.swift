internal import DequeModule

/// Whose turn it is. Pure.
///
/// Two lanes take turns: files that go up in one request, and files of many chunks. Within a lane
/// everybody gets one request, then goes to the end. So a huge file never holds up the small ones,
/// a thousand small ones don't stop it either, and two huge ones share evenly.
package struct UploadQueue: Sendable {
    package enum Lane: Sendable {
        case whole
        case chunked
    }

    private var whole = Deque<VersionID>()
    private var chunked = Deque<VersionID>()
    /// Who stands in a lane. Whoever left it early is skipped when its turn comes.
    private var waiting: [VersionID: Lane] = [:]
    private var wholeIsNext = true

    package init() {}

    package var isEmpty: Bool { waiting.isEmpty }

    /// Who stands in line.
    package var count: Int { waiting.count }

    /// Somebody who stands in a lane already keeps the place, unless it is in the other lane now.
    package mutating func enqueue(_ version: VersionID, _ lane: Lane) {
        guard waiting[version] != lane else { return }
        waiting[version] = lane
        switch lane {
        case .whole: whole.append(version)
        case .chunked: chunked.append(version)
        }
    }

    package mutating func remove(_ version: VersionID) {
        waiting[version] = nil
    }

    package mutating func next() -> VersionID? {
        defer { wholeIsNext.toggle() }
        return wholeIsNext ? (pop(.whole) ?? pop(.chunked)) : (pop(.chunked) ?? pop(.whole))
    }

    private mutating func pop(_ lane: Lane) -> VersionID? {
        while let version = lane == .whole ? whole.popFirst() : chunked.popFirst() {
            guard waiting[version] == lane else { continue }
            waiting[version] = nil
            return version
        }
        return nil
    }
}
