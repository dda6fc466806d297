import Synchronization

/// What has been written to one open version, handed from the writers' threads to the engine without
/// either waiting for the other.
///
/// Writers record *after* the bytes are in the spool. So the engine may read newer bytes than it
/// knows of (and learns afterwards that they changed, and sends them again), never older ones.
package final class WriteTrack: Sendable {
    let state: Mutex<State>

    struct State {
        var size: Int64
        var drainedSize: Int64
        /// Bytes that it had by the last `settled`.
        var settledSize: Int64
        var written = RangeSet<Int64>()
        var shortest: Int64?
        /// What was drained and is not settled.
        var drained: News?
        var nextWake: Int64 = 0
        var lastEnd: Int64 = 0
        var isWakeDue = false
        var flushes = 0
        /// How many of them `lapse` has seen.
        var seenFlushes = -1
        /// The close that these writers gave last.
        var close: Timestamp?
        var hasLapsed = false
        var isFinished = false
        /// What these writers opened was closed, and is to be published as it is.
        var isPromised = false
        /// Nothing of it may leave the spool before it is closed.
        var isKept = false
        /// Writes that have begun and are not recorded yet.
        var underWay: [Range<Int64>] = []
        /// Bytes that have left the spool.
        var released = RangeSet<Int64>()
        var failure: Failure?
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
    /// How the version is cut into chunks.
    package let schedule: ChunkSchedule

    /// - Parameters:
    ///   - size: bytes the version has already.
    ///   - schedule: a writer that goes straight on wakes the engine once in a chunk, before that there is nothing
    ///     to send.
    ///   - released: bytes that are no longer in the spool.
    package init(size: Int64, schedule: ChunkSchedule, released: RangeSet<Int64> = RangeSet()) {
        initialSize = size
        self.schedule = schedule
        state = Mutex(State(size: size, drainedSize: size, settledSize: size, released: released))
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
            state.end(range)
            state.written.insert(contentsOf: range)
            state.size = max(state.size, range.upperBound)
            let isSequential = range.lowerBound == state.lastEnd
            state.lastEnd = range.upperBound
            let reached = range.upperBound / schedule.firstSize
            guard !state.isWakeDue, !isSequential || reached != state.nextWake else { return false }
            state.nextWake = reached
            state.isWakeDue = true
            return true
        }
    }

    /// - Returns: whether the engine should be told (`WriterEvent.wrote`).
    package func truncated(to size: Int64) -> Bool {
        state.withLock { state in
            state.end(size..<Int64.max)
            if size < state.size {
                state.written.remove(contentsOf: size..<state.size)
                state.shortest = min(state.shortest ?? size, size)
            }
            state.size = size
            if size == 0 { state.released = RangeSet() }
            defer { state.isWakeDue = true }
            return !state.isWakeDue
        }
    }

    /// Ends there now, if it ended before: what lies between reads as zeros, and nobody has written it.
    /// - Returns: whether the engine should be told (`WriterEvent.wrote`).
    package func extended(to size: Int64) -> Bool {
        state.withLock { state in
            guard size > state.size else { return false }
            state.size = size
            defer { state.isWakeDue = true }
            return !state.isWakeDue
        }
    }

    package func drain() -> News {
        state.withLock { state in
            let news = state.news
            state.drained = state.drained?.followed(by: news) ?? news
            state.written = RangeSet()
            state.shortest = nil
            state.drainedSize = state.size
            state.isWakeDue = false
            return news
        }
    }

    /// The journal has what the last `drain` told.
    package func settled() {
        state.withLock { state in
            state.settledSize = state.drainedSize
            state.drained = nil
        }
    }

    /// Chunks that the journal may call acknowledged though their bytes are others by now. To be journalled with a
    /// close: else a kill before the engine has settled its news would leave old chunks in a closed file.
    package var unsettled: RangeSet<ChunkIndex> {
        state.withLock { state in
            let news = state.drained?.followed(by: state.news) ?? state.news
            return news.chunks(in: schedule, of: state.settledSize)
        }
    }

    /// What these writers go on with can't be published any more: they are to be told.
    package func fail(_ failure: Failure) {
        state.withLock { $0.failure = $0.failure ?? failure }
    }

    package var failure: Failure? { state.withLock(\.failure) }
}

extension WriteTrack.News {
    /// The chunks whose bytes are others after it.
    /// - Parameter size: bytes that the file had before it.
    package func chunks(in schedule: ChunkSchedule, of size: Int64) -> RangeSet<ChunkIndex> {
        var chunks = RangeSet<ChunkIndex>()
        var kept = size
        if let cut = truncated, cut < size {
            chunks.insert(contentsOf: schedule.index(at: cut)..<schedule.count(size: size))
            kept = cut
        }
        let count = schedule.count(size: kept)
        if self.size > kept, kept > 0, schedule.range(of: count - 1).upperBound > kept {
            // The last chunk was not full, and the file goes on behind it: it gets longer, be it by zeros.
            chunks.insert(contentsOf: count - 1..<count)
        }
        for range in written.ranges where !range.isEmpty {
            chunks.insert(
                contentsOf: schedule.index(at: range.lowerBound)..<schedule.index(at: range.upperBound - 1) + 1)
        }
        return chunks
    }

    /// Both as one. It may name more than has changed, never less.
    fileprivate func followed(by later: Self) -> Self {
        Self(
            truncated: [truncated, later.truncated].compactMap { $0 }.min(), written: written.union(later.written),
            size: later.size)
    }
}

/// A flush is answered as a close, since nothing tells it from the last one: a file whose descriptor is
/// shared (a shell and its commands) has many. So the journal's word that the version is closed may be
/// taken back by the engine when no release follows, and then the writers' side gives it anew at the next
/// flush, or at the release.
extension WriteTrack {
    /// A close(2) is about to be answered.
    package func flushed() {
        state.withLock { $0.flushes += 1 }
    }

    /// The engine has taken the journal's word back.
    package var hasLapsed: Bool { state.withLock(\.hasLapsed) }

    /// The journal has a close of these writers (again).
    package func acknowledged(at moment: Timestamp) {
        state.withLock { state in
            state.hasLapsed = false
            state.close = moment
        }
    }

    /// The last writer is gone, whether the engine has heard of it or not.
    package var isFinished: Bool { state.withLock(\.isFinished) }

    /// The last writer is gone.
    package func finish() {
        state.withLock { $0.isFinished = true }
    }

    package enum Lapse: Sendable, Equatable {
        /// It was the last close; or that of others, who have gone.
        case finished
        /// Somebody has just flushed: ask again.
        case notYet
        case lapsed
    }

    /// Is this close the last word of writers who have the file open still? Then it is none. Who has flushed since
    /// this was asked last may be about to let go of it.
    package func lapse(_ close: Timestamp) -> Lapse {
        state.withLock { state in
            // A change of what is promised goes elsewhere.
            if state.isFinished || state.isPromised || state.close != close { return .finished }
            defer { state.seenFlushes = state.flushes }
            guard state.flushes == state.seenFlushes else { return .notYet }
            state.hasLapsed = true
            return .lapsed
        }
    }
}

extension WriteTrack.State {
    fileprivate var news: WriteTrack.News { WriteTrack.News(truncated: shortest, written: written, size: size) }

    mutating func end(_ range: Range<Int64>) {
        if let index = underWay.firstIndex(of: range) { underWay.remove(at: index) }
    }
}
