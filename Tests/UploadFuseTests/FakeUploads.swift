import Glibc
import Synchronization
import UploadCore

/// An engine that only listens: it remembers what was posted, and settles files when told to.
final class FakeUploads: Uploads {
    private struct State {
        var events: [String] = []
        var tracks: [VersionID: WriteTrack] = [:]
        var authors: [VersionID: @Sendable () -> Bool] = [:]
        var statuses: [FileID: FileStatus] = [:]
        var waiters: [WaitToken: (file: FileID, answer: @Sendable (FileStatus) -> Void)] = [:]
        var marks: [@Sendable () -> Void] = []
        var lastToken: UInt64 = 0
    }

    private let state = Mutex(State())
    /// Whose room writers wait for; nil: there is always some.
    let gauge: SpoolGauge?

    init(gauge: SpoolGauge? = nil) {
        self.gauge = gauge
    }

    /// Words for what was posted since the last time this was asked. Files and versions by number.
    func takeEvents() -> [String] {
        state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }

    func track(_ version: Int64) -> WriteTrack? { state.withLock { $0.tracks[VersionID(version)] } }
    /// Whether the program has ended that wrote a closed version; nil: nobody knows which.
    func isAuthorGone(_ version: Int64) -> Bool? { state.withLock { $0.authors[VersionID(version)] }?() }
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Comes back as soon as so many wait; with false, when that does not happen within ten seconds.
    func waits(for count: Int) -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        while waiting != count {
            guard ContinuousClock.now < deadline else { return false }
            sched_yield()
        }
        return true
    }

    func set(_ status: FileStatus) {
        let answers = state.withLock { state in
            state.statuses[status.file] = status
            guard status.phase.isSettled else { return [@Sendable (FileStatus) -> Void]() }
            let due = state.waiters.filter { $0.value.file == status.file }
            for token in due.keys { state.waiters[token] = nil }
            return due.values.map(\.answer)
        }
        for answer in answers { answer(status) }
    }

    func post(_ event: WriterEvent) {
        state.withLock { state in
            if case .opened(let opened) = event { state.tracks[opened.version] = opened.track }
            // Goes with every close that the journal got; the tests look there.
            if case .closed(let version, _, _, let isAuthorGone) = event { state.authors[version] = isAuthorGone }
            switch event {
            case .acknowledged, .pressed: return
            default: break
            }
            state.events.append(Self.words(event))
            if case .marked(let answer) = event { state.marks.append(answer) }
        }
    }

    /// All that was posted is known.
    func reachMarks() {
        let answers = state.withLock { state in
            defer { state.marks = [] }
            return state.marks
        }
        for answer in answers { answer() }
    }

    func overview(limit: Int = .max) -> StatusOverview {
        let files = state.withLock { Array($0.statuses.values) }
        let moment = Timestamp(seconds: 1_750_000_000)
        return StatusOverview(
            taken: moment, started: moment, process: 1, destination: "nowhere", totals: StatusOverview.Totals(),
            files: files)
    }

    func status(of file: FileID) -> FileStatus? { state.withLock { $0.statuses[file] } }

    func whenSettled(_ file: FileID, _ answer: @escaping @Sendable (FileStatus) -> Void) -> WaitToken {
        let (token, settled) = state.withLock { state -> (WaitToken, FileStatus?) in
            state.lastToken += 1
            let token = WaitToken(state.lastToken)
            if let status = state.statuses[file], status.phase.isSettled { return (token, status) }
            state.waiters[token] = (file, answer)
            return (token, nil)
        }
        if let settled { answer(settled) }
        return token
    }

    func cancelWait(_ token: WaitToken) {
        _ = state.withLock { $0.waiters.removeValue(forKey: token) }
    }

    func whenRoom(since: Duration?, _ answer: @escaping @Sendable (Failure?) -> Void) -> RoomWait {
        let since = since ?? .seconds(7)
        return RoomWait(token: gauge?.whenRoom(since: since, answer) ?? WaitToken(0), since: since)
    }

    func cancelRoom(_ wait: RoomWait) -> Bool {
        gauge?.cancel(wait.token) ?? false
    }

    private static func words(_ event: WriterEvent) -> String {
        switch event {
        case .opened(let opened):
            "opened \(opened.version)" + (opened.isNew ? " new" : "")
                + (opened.nameClass == .ordinary ? "" : " \(opened.nameClass)")
        case .wrote(let version): "wrote \(version)"
        case .acknowledged(let version, _): "acknowledged \(version)"
        case .closed(let version, let size, _, _): "closed \(version) \(size)"
        case .torn(let version, let size, let failure): "torn \(version) \(size) \(failure.code)"
        case .touched(let file): "touched \(file)"
        case .classified(let file, let nameClass): "classified \(file) \(nameClass)"
        case .removed(let file): "removed \(file)"
        case .owed(let file): "owed \(file)"
        case .spoiled(let version, let failure): "spoiled \(version) \(failure.code)"
        case .awaited(let file): "awaited \(file)"
        case .pressed: "pressed"
        case .marked: "marked"
        case .released(let version, _): "released \(version)"
        case .retried(let file): "retried \(file.map { "\($0)" } ?? "all")"
        case .discarded(let version): "discarded \(version)"
        case .paused(let isPaused): isPaused ? "paused" : "resumed"
        }
    }
}

extension FileStatus {
    static func sample(
        _ file: UInt64, _ phase: Phase, version: Int64 = 1, url: String? = nil, failure: Failure? = nil
    ) throws -> FileStatus {
        var status = FileStatus(
            file: FileID(file), version: VersionID(version), path: try UploadPath("a.txt"), phase: phase,
            contentType: "text/plain", size: 100, isClosed: true, chunkSize: 64)
        status.acknowledged = 50
        status.receipt = url.map { PublishReceipt(url: $0, size: 100, digest: "sha-256=:x:") }
        status.failure = failure
        return status
    }
}
