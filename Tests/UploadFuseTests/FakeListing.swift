import Synchronization
import TestSupport
import UploadCore

/// What lies at a destination, as a test wants it: in pages, at a gate, or not to be told.
final class FakeListing: Listing {
    private struct State {
        var directories: [String: [String: ListedEntry.Kind]] = [:]
        var leftOut: [String] = []
        var failure: DestinationError?
        var gate: Gate?
        /// Where names that are asked for by themselves wait.
        var names: Gate?
        /// Names on a page.
        var page = 1000
        var calls: [String] = []
        /// What is to happen after the first page was made up.
        var afterwards: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    let clock = ManualClock()
    let board = ListingBoard()

    static let modified = Timestamp(seconds: 1_000_000_000)

    /// Paths of directories, each time that one was asked for; with "?NAME" behind it where only that was.
    var calls: [String] { state.withLock(\.calls) }

    /// An object, at "d/e/name".
    func put(_ path: String, size: Int64 = 5, tag: String? = "t") {
        var names = path.split(separator: "/").map(String.init)
        state.withLock { state in
            var kind = ListedEntry.Kind.file(ListedObject(size: size, modified: Self.modified, tag: tag))
            while let name = names.popLast() {
                state.directories[names.joined(separator: "/"), default: [:]][name] = kind
                kind = .directory
            }
        }
    }

    func remove(_ name: String, in directory: String = "") {
        state.withLock { $0.directories[directory]?[name] = nil }
    }

    func leaveOut(_ names: [String]) { state.withLock { $0.leftOut = names } }
    func fail(with failure: DestinationError?) { state.withLock { $0.failure = failure } }
    func hold(at gate: Gate?) { state.withLock { $0.gate = gate } }
    func holdNames(at gate: Gate?) { state.withLock { $0.names = gate } }
    func setPage(_ size: Int) { state.withLock { $0.page = size } }
    func afterFirstPage(_ work: @escaping @Sendable () -> Void) { state.withLock { $0.afterwards = work } }

    func find(_ name: FileName, in directory: UploadPath) async throws(DestinationError) -> [ListedEntry] {
        let gate = state.withLock { state in
            state.calls.append(directory.text + "?" + name.text)
            return state.names
        }
        do { try await gate?.pass() } catch { throw .cancelled }
        let answer: Result<[ListedEntry], DestinationError> = state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            let kind = state.directories[directory.text]?[name.text]
            return .success(kind.map { [ListedEntry(name: name, kind: $0)] } ?? [])
        }
        return try answer.get()
    }

    func list(_ directory: UploadPath, after mark: ListingMark?) async throws(DestinationError) -> ListingPage {
        let gate = state.withLock { state in
            if mark == nil { state.calls.append(directory.text) }
            return state.gate
        }
        do { try await gate?.pass() } catch { throw .cancelled }
        let answer: Result<ListingPage, DestinationError> = state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            let all = (state.directories[directory.text] ?? [:]).sorted { $0.key < $1.key }
            let start = mark.flatMap { Int($0.rawValue) } ?? 0
            let entries = all.dropFirst(start).prefix(state.page).compactMap { name, kind in
                (try? FileName(name)).map { ListedEntry(name: $0, kind: kind) }
            }
            let end = start + state.page
            return .success(
                ListingPage(
                    entries: entries, leftOut: mark == nil ? state.leftOut : [],
                    next: end < all.count ? ListingMark(String(end)) : nil))
        }
        let afterwards = state.withLock { state in
            defer { state.afterwards = nil }
            return state.afterwards
        }
        afterwards?()
        return try answer.get()
    }
}
