import Synchronization

/// A stream that is bigger than the spool passes through it: what the destination has acknowledged may leave
/// the spool while the writer goes on. Nobody may write there again, and no write may be under way there.
extension WriteTrack {
    /// A write is about to begin; `wrote` or `abandoned` ends it.
    /// - Returns: false when some of these bytes have left the spool: then there is nothing to end.
    package func begin(_ range: Range<Int64>) -> Bool {
        state.withLock { state in
            guard state.released.isEmpty || state.released.intersection(RangeSet(range)).isEmpty else { return false }
            state.underWay.append(range)
            return true
        }
    }

    /// The write that was begun has failed.
    package func abandoned(_ range: Range<Int64>) {
        state.withLock { $0.end(range) }
    }

    /// A cut is about to begin; `truncated` or `abandonedCut` ends it. Until then none of what it takes may leave.
    /// - Returns: false when it would be within what has left, and not to nothing: then there is nothing to end.
    package func beginCut(to size: Int64) -> Bool {
        state.withLock { state in
            guard size == 0 || size >= (state.released.ranges.last?.upperBound ?? 0) else { return false }
            state.underWay.append(size..<Int64.max)
            return true
        }
    }

    /// The cut that was begun has failed.
    package func abandonedCut(to size: Int64) { abandoned(size..<Int64.max) }

    /// A cut has begun, and has not ended.
    package var isBeingCut: Bool { state.withLock { $0.underWay.contains { $0.upperBound == Int64.max } } }

    /// A write of some of these bytes, or a cut of them, has begun, and has not ended.
    package func isChanging(_ range: Range<Int64>) -> Bool {
        state.withLock { $0.underWay.contains { $0.overlaps(range) } }
    }

    /// Bytes that have left the spool.
    package var released: RangeSet<Int64> { state.withLock(\.released) }

    /// Does something to bytes that have left, unless they were cut away since: nobody writes meanwhile.
    package func whileReleased(
        _ range: Range<Int64>, _ body: () throws(SpoolError) -> Void
    ) throws(SpoolError) {
        try state.withLock { state throws(SpoolError) in
            guard state.released.intersection(RangeSet(range)) == RangeSet(range) else { return }
            try body()
        }
    }

    /// None of what was closed may leave the spool before it is changed in place: it would be missing in the copy
    /// that a change goes into.
    /// - Returns: false when that can't be promised (any more).
    @discardableResult
    package func promise(_ isPromised: Bool) -> Bool {
        state.withLock { state in
            guard !isPromised || !state.hasLapsed && state.released.isEmpty else { return false }
            state.isPromised = isPromised
            return true
        }
    }

    /// From now on nobody writes there.
    /// - Returns: false when the last writer has gone, when somebody just does, or did and the engine has not heard of it: then it must stay.
    package func release(_ range: Range<Int64>) -> Bool {
        state.withLock { state in
            guard !state.isFinished, !state.isPromised, !state.isKept,
                !state.underWay.contains(where: { $0.overlaps(range) }), state.shortest == nil,
                state.written.intersection(RangeSet(range)).isEmpty
            else { return false }
            state.released.insert(contentsOf: range)
            return true
        }
    }

    /// It has further names, and what they are published from is all of it.
    /// - Returns: false when some has left already.
    @discardableResult
    package func keep(_ isKept: Bool = true) -> Bool {
        state.withLock { state in
            guard !isKept || state.released.isEmpty else { return false }
            state.isKept = isKept
            return true
        }
    }

    /// It stays after all.
    package func unrelease(_ range: Range<Int64>) {
        state.withLock { $0.released.remove(contentsOf: range) }
    }
}
