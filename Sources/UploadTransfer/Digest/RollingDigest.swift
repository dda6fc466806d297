import Crypto
import UploadCore

/// The SHA-256 of a file, grown chunk by chunk while the chunks are sent, so that finalizing need not
/// read the file again. Used on one lane, one call at a time.
///
/// It covers a prefix: chunks 0 ..< n, each at one generation. What it was fed was read in the same
/// pass as the chunk's own digest. Should the writer change a chunk after that, the engine sends it
/// again with a new generation, and the prefix begins anew. The destination has the last word: it
/// checks the whole digest, and when it refuses it, `forget()`.
struct RollingDigest {
    private var hasher = RunningHash()
    private var generations = GenerationRuns()
    /// Where the prefix ends, in bytes.
    private var end: Int64 = 0

    /// Chunks beyond the prefix that were hashed (and sent) before their turn came.
    private var ahead: [ChunkIndex: (chunk: ChunkRef, digest: [UInt8])] = [:]

    /// Chunks sent out of order are a few (the parallel ones); a writer that goes backwards makes
    /// many, and these are read again at the end rather than remembered.
    private static let maximumAhead = 64
    /// Each chunk hashed adds at most one to `ahead`; taking two at a time empties it.
    private static let catchUpAtOnce = 2

    /// How many chunks the prefix has.
    var count: Int { generations.count }

    /// Reads a chunk and tells its digest.
    /// - Parameter also: is shown all of the chunk's bytes, in order.
    mutating func digest(
        of chunk: ChunkRef, content: any SpoolFile, also: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(SpoolError) -> [UInt8] {
        if let fed = generations[chunk.index], fed != chunk.generation { forget() }
        ahead[chunk.index] = nil
        let digest: [UInt8]
        if isNext(chunk) {
            digest = try feed(chunk, content: content, also: also) { _ in true }
        } else {
            digest = try Self.digest(of: chunk.range, content: content, also: also)
            if chunk.index > generations.count, ahead.count < Self.maximumAhead { ahead[chunk.index] = (chunk, digest) }
        }
        try catchUp(content)
        return digest
    }

    /// Makes the prefix one of `chunks` (in order from 0): as long as it is, when they have the same
    /// generations; empty when not.
    mutating func align(with chunks: [ChunkRef]) {
        let covered = count == 0 ? 0 : count <= chunks.count ? chunks[count - 1].range.upperBound : -1
        if covered != end || !generations.begin(chunks) { forget() }
    }

    /// Reads on over `chunks` for at least `bytes` bytes. Call after `align`.
    /// - Returns: whether all of them are covered.
    mutating func advance(over chunks: [ChunkRef], content: any SpoolFile, bytes: Int64) throws(SpoolError) -> Bool {
        let stop = end + bytes
        while count < chunks.count, end < stop {
            _ = try feed(chunks[count], content: content) { _ in true }
        }
        return count == chunks.count
    }

    /// Of what is covered.
    var value: [UInt8] { hasher.value }

    mutating func forget() {
        self = RollingDigest()
    }

    static func digest(
        of range: Range<Int64>, content: any SpoolFile, also: (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws(SpoolError) -> [UInt8] {
        var hasher = SHA256()
        var reading = SpoolReading()
        try reading.read(range, of: content) { bytes in
            hasher.update(bufferPointer: bytes)
            also(bytes)
        }
        return Array(hasher.finalize())
    }

    private func isNext(_ chunk: ChunkRef) -> Bool {
        chunk.index == generations.count && chunk.range.lowerBound == end
    }

    /// Hashes a chunk for itself and for the prefix in one pass. An error, or a digest that is not
    /// the one that `isRight`, leaves the prefix as it was.
    private mutating func feed(
        _ chunk: ChunkRef, content: any SpoolFile, also: (UnsafeRawBufferPointer) -> Void = { _ in },
        isRight: ([UInt8]) -> Bool
    ) throws(SpoolError) -> [UInt8] {
        var own = RunningHash()
        var whole = hasher
        var reading = SpoolReading()
        try reading.read(chunk.range, of: content) { bytes in
            RunningHash.update(&own, &whole, with: bytes)
            also(bytes)
        }
        let digest = own.value
        guard isRight(digest) else { return digest }
        hasher = whole
        end = chunk.range.upperBound
        generations.append(chunk.generation)
        return digest
    }

    /// Takes chunks that were sent too early in, when their bytes are still those that were hashed.
    private mutating func catchUp(_ content: any SpoolFile) throws(SpoolError) {
        for _ in 0..<Self.catchUpAtOnce {
            guard let next = ahead.removeValue(forKey: generations.count), isNext(next.chunk) else { return }
            _ = try feed(next.chunk, content: content) { $0 == next.digest }
        }
    }
}
