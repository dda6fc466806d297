import Glibc
import UploadCore

/// fallocate(2) and lseek(2).
extension FileSystem {
    /// FALLOC_FL_* of fallocate(2).
    struct AllocationMode: OptionSet, Sendable {
        let rawValue: Int32

        static let keepSize = AllocationMode(rawValue: 0x01)
        static let punchHole = AllocationMode(rawValue: 0x02)
        static let zeroRange = AllocationMode(rawValue: 0x10)
    }

    /// - Throws: `unsupported` for modes that shift bytes, and where the spool's filesystem can't.
    func allocate(
        _ handle: OpenHandle, _ range: Range<Int64>, _ mode: AllocationMode, by thread: Int32 = 0
    ) throws(FileSystemError) {
        guard case .file(let handle) = handle, handle.isWriter else { throw .badHandle }
        guard mode.isSubset(of: [.keepSize, .punchHole, .zeroRange]),
            !mode.isSuperset(of: [.punchHole, .zeroRange])
        else { throw .unsupported }
        let content = handle.content
        let keepsSize = mode.contains(.keepSize)
        let isPlain = mode.isDisjoint(with: [.punchHole, .zeroRange])
        guard range.upperBound <= Content.largestSize else { throw .tooLarge }
        if !keepsSize, range.upperBound > configuration.maximumFileSize() ?? .max { throw .tooLarge }
        // First what may be refused: as yet nothing is changed, and nothing spoiled.
        if !mode.contains(.punchHole) { try checkRoom(for: range, in: content) }
        if changesBytes(range, isPlain: isPlain, keepsSize: keepsSize, of: content.live.size) {
            try prepareChange(through: handle, size: range.upperBound)
        }
        do throws(FileSystemError) {
            if !mode.contains(.punchHole) { try content.reserve(range) }
        } catch .spool(.system(_, EOPNOTSUPP)) {
            throw .unsupported
        }
        if !isPlain {
            try content.zero(
                range, keepingSize: keepsSize, keepingRoom: mode.contains(.zeroRange), through: handle, by: thread)
        } else if !keepsSize {
            try content.extend(to: range.upperBound, through: handle, by: thread)
        }
        if spool.gauge.isPressed { uploads.post(.pressed) }
    }

    /// Room alone, and what lies behind the end, are not to be seen.
    private func changesBytes(_ range: Range<Int64>, isPlain: Bool, keepsSize: Bool, of size: Int64) -> Bool {
        !keepsSize && range.upperBound > size || !isPlain && range.lowerBound < size
    }

    /// Room is promised only as far as the quota has it: what is reserved can't pass through. Something must be left,
    /// or what is written into it would be held up by a full spool.
    private func checkRoom(for range: Range<Int64>, in content: Content) throws(FileSystemError) {
        let (size, version) = content.locked { ($0.size, $0.version) }
        // Of a file with holes nobody knows where its blocks are: in the range, if they can be.
        let length = range.upperBound - range.lowerBound
        let new = max(range.upperBound - max(range.lowerBound, size), length - spool.occupied(by: version))
        guard new > 0 else { return }
        let capacity = try capacity()
        if UInt64(new) >= capacity.available * capacity.blockSize { throw .noSpace }
    }

    /// - Parameter whence: SEEK_DATA or SEEK_HOLE of lseek(2): the kernel answers the others itself.
    func seek(_ handle: OpenHandle, whence: Int32, from offset: Int64) throws(FileSystemError) -> Int64 {
        guard case .file(let handle) = handle else { throw .badHandle }
        switch whence {
        case 3: return try handle.content.next(.data, from: offset)
        case 4: return try handle.content.next(.hole, from: offset)
        default: throw .invalid
        }
    }
}
