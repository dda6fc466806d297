import Glibc
import UploadCore

/// Room and holes.
extension Content {
    /// Gives a range room in the spool. Nothing that can be read changes.
    func reserve(_ range: Range<Int64>) throws(FileSystemError) {
        let (file, missing) = try locked { state throws(FileSystemError) in
            if let failure = state.failure { throw failure }
            return (state.spoolFile, RangeSet(range).subtracting(state.released))
        }
        for range in missing.ranges {
            try spooled { () throws(SpoolError) in try file.allocate(range, keepingSize: true) }
        }
    }

    /// Makes it end there at the least; what is new are zeros.
    func extend(to end: Int64, through handle: FileHandle, by thread: Int32) throws(FileSystemError) {
        try inTurn { () throws(FileSystemError) in
            try change(through: handle, by: thread) { state throws(FileSystemError) in
                try checkTrack(&state)
                return end > state.size
            } make: { file throws(FileSystemError) in
                try spooled { () throws(SpoolError) in try file.allocate(end - 1..<end, keepingSize: false) }
            } note: { track in
                track.extended(to: end)
            }
        }
    }

    /// Makes a range zeros, as a write of zeros would.
    /// - Parameters:
    ///   - range: what lies behind the end counts only if it is to grow.
    ///   - keepingRoom: else the range becomes a hole.
    func zero(
        _ range: Range<Int64>, keepingSize: Bool, keepingRoom: Bool, through handle: FileHandle, by thread: Int32
    ) throws(FileSystemError) {
        try inTurn { () throws(FileSystemError) in
            let range = keepingSize ? range.clamped(to: 0..<locked { $0.size }) : range
            guard !range.isEmpty else { return }
            try overwrite(range, through: handle, by: thread) { file throws(FileSystemError) in
                do throws(SpoolError) {
                    try file.punch(range)
                    if keepingRoom { try file.allocate(range, keepingSize: false) }
                } catch .system(_, EOPNOTSUPP) {
                    // Nothing has changed: who asked writes zeros instead.
                    throw .unsupported
                } catch {
                    throw spoiled(by: error)
                }
            }
        }
    }

    /// SEEK_DATA and SEEK_HOLE of lseek(2).
    /// - Throws: `noSuchExtent` from the end on, and when there is no data up to it.
    func next(_ kind: SpoolExtent, from offset: Int64) throws(FileSystemError) -> Int64 {
        let (file, size, released) = locked { ($0.spoolFile, $0.size, $0.released) }
        guard offset >= 0, offset < size else { throw .noSuchExtent }
        // What has left the spool is a hole there, and data all the same.
        switch kind {
        case .data:
            let left = released.intersection(RangeSet(offset..<size)).ranges.first?.lowerBound
            let here = try spooled { () throws(SpoolError) in try file.next(.data, from: offset) }
            guard let first = [left, here].compactMap({ $0 }).min(), first < size else { throw .noSuchExtent }
            return first
        case .hole:
            var position = offset
            while position < size {
                let hole = try spooled { () throws(SpoolError) in try file.next(.hole, from: position) } ?? size
                guard let left = released.ranges.first(where: { $0.contains(hole) }) else { return min(hole, size) }
                position = left.upperBound
            }
            return size
        }
    }
}
