import Crypto

extension OpenFile {
    /// Bytes read at a time: big enough to make system calls cheap, small enough to stay in the CPU's cache.
    private static let blockSize = 256 << 10

    /// Feeds a range of the file to a hasher, a block at a time. Blocks on the disk: not for the event loops.
    func hash(_ range: Range<Int64>, into hasher: inout SHA256) throws(StoreError) {
        var block = [UInt8](repeating: 0, count: min(Self.blockSize, Int(range.upperBound - range.lowerBound)))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = min(block.count, Int(range.upperBound - offset))
            let count = try block.withUnsafeMutableBytes { bytes in
                Result { () throws(StoreError) in
                    try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<wanted]), at: offset)
                }
            }.get()
            // The file was cut short by somebody else.
            guard count == wanted else { throw .digestMismatch }
            block.withUnsafeBytes { hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += Int64(count)
        }
    }

    /// The SHA-256 of a range of the file.
    func digest(of range: Range<Int64>) throws(StoreError) -> ContentDigest {
        var hasher = SHA256()
        try hash(range, into: &hasher)
        return ContentDigest(hasher.finalize())
    }
}
