import Synchronization

/// What has been written to one open version, handed from the writers' threads to the engine without
/// either waiting for the other.
///
/// Writers record *after* the bytes are in the spool. So the engine may read newer bytes than it
/// knows of (and learns afterwards that they changed, and sends them again), never older ones.
package final class WriteTrack: Sendable {
    private let state: Mutex<State>

    private struct State {
        var size: Int64
        var drainedSize: Int64
        var written = RangeSet<Int64>()
        var shortest: Int64?
        var nextWake: Int64 = 0
        var lastEnd: Int64 = 0
        var isWakeDue = false
    }

    /// What happened since the last `drain`, in the order in which it must be applied: first the
    /// file was cut to `truncated`, then `written` was written, and now it has `size` bytes.
    package struct News: Sendable {
        package let truncated: Int64?
        package let written: RangeSet<Int64>
        package let size: Int64

        package init(truncated: Int64?, written: RangeSet<Int64>, size: Int64) {
            self.truncated = truncated
            self.written = written
            self.size = size
        }
    }

    /// Bytes the version had when the track began.
    package let initialSize: Int64
    private let wakeEvery: Int64

    /// - Parameters:
    ///   - size: bytes the version has already.
    ///   - wakeEvery: a writer that goes straight on wakes the engine once in so many bytes (the
    ///     chunk size: before that there is nothing to send).
    package init(size: Int64, wakeEvery: Int64) {
        initialSize = size
        self.wakeEvery = wakeEvery
        state = Mutex(State(size: size, drainedSize: size))
    }

    /// Bytes the file has now.
    package var size: Int64 { state.withLock(\.size) }

    /// Something was written or cut since the last `drain`.
    package var hasNews: Bool {
        state.withLock { $0.shortest != nil || !$0.written.isEmpty || $0.size != $0.drainedSize }
    }

    /// - Returns: whether the engine should be told (`WriterEvent.wrote`).
    package func wrote(_ range: Range<Int64>) -> Bool {
        state.withLock { state in
            state.written.insert(contentsOf: range)
            state.size = max(state.size, range.upperBound)
            let isSequential = range.lowerBound == state.lastEnd
            state.lastEnd = range.upperBound
            let reached = range.upperBound / wakeEvery
            guard !state.isWakeDue, !isSequential || reached != state.nextWake else { return false }
            state.nextWake = reached
            state.isWakeDue = true
            return true
        }
    }

    /// - Returns: whether the engine should be told (`WriterEvent.wrote`).
    package func truncated(to size: Int64) -> Bool {
        state.withLock { state in
            if size < state.size {
                state.written.remove(contentsOf: size..<max(size, state.size))
                state.shortest = min(state.shortest ?? size, size)
            }
            state.size = size
            defer { state.isWakeDue = true }
            return !state.isWakeDue
        }
    }

    package func drain() -> News {
        state.withLock { state in
            let news = News(truncated: state.shortest, written: state.written, size: state.size)
            state.written = RangeSet()
            state.shortest = nil
            state.drainedSize = state.size
            state.isWakeDue = false
            return news
        }
    }
}
