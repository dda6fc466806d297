import Synchronization
import UploadCore

/// A destination that answers a read when it is told to.
final class FakeRemoteFiles: RemoteFiles {
    private struct State {
        var canRead = true
        var opened: [ReadableObject] = []
        var waiting: [(range: Range<Int64>, answer: RemoteAnswer)] = []
        var cancelled = 0
        var closed = 0
    }

    private let state = Mutex(State())

    private final class File: RemoteFile {
        private let owner: FakeRemoteFiles

        init(_ owner: FakeRemoteFiles) {
            self.owner = owner
        }

        func read(_ range: Range<Int64>, _ answer: @escaping RemoteAnswer) -> @Sendable () -> Void {
            owner.state.withLock { $0.waiting.append((range, answer)) }
            return { [owner] in owner.state.withLock { $0.cancelled += 1 } }
        }

        func close() {
            owner.state.withLock { $0.closed += 1 }
            owner.answerAll(.failure(.closed))
        }
    }

    var canRead: Bool { state.withLock(\.canRead) }

    func open(_ object: ReadableObject) -> any RemoteFile {
        state.withLock { $0.opened.append(object) }
        return File(self)
    }

    // MARK: For the test

    func refuse() { state.withLock { $0.canRead = false } }
    var opened: [ReadableObject] { state.withLock(\.opened) }
    var ranges: [Range<Int64>] { state.withLock { $0.waiting.map(\.range) } }
    var cancelled: Int { state.withLock(\.cancelled) }
    var closed: Int { state.withLock(\.closed) }

    func answerAll(_ result: Result<String, RemoteReadError>) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.answer(result.map { Array($0.utf8)[...] }) }
    }
}
