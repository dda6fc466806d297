import Glibc
import UploadCore

/// A request's body as libcurl asks for it: piece by piece, and from its start again.
struct BodyReader {
    private let body: TransferRequest.Body
    private let length: Int64
    private var position: Int64 = 0
    /// Why the bytes could not be had; from then on there are none.
    private(set) var failure: SpoolError?

    init(_ body: TransferRequest.Body) {
        self.body = body
        length = body.length ?? 0
    }

    /// - Returns: bytes put into the buffer, 0 at the end; nil when the source failed.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard failure == nil else { return nil }
        let wanted = Int(min(Int64(buffer.count), length - position))
        guard wanted > 0 else { return 0 }
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        do throws(SpoolError) {
            let count = try fill(piece)
            // We promised a length: the file is shorter than its chunk.
            guard count > 0 else { throw .system(call: "pread", errno: ENODATA) }
            position += Int64(count)
            return count
        } catch {
            failure = error
            return nil
        }
    }

    private func fill(_ piece: UnsafeMutableRawBufferPointer) throws(SpoolError) -> Int {
        switch body {
        case .none:
            return 0
        case .bytes(let bytes):
            piece.copyBytes(from: bytes[Int(position)..<Int(position) + piece.count])
            return piece.count
        case .file(let file, let range):
            return try file.read(into: piece, at: range.lowerBound + position)
        }
    }

    /// libcurl begins again when a kept connection turns out to be closed.
    mutating func seek(to offset: Int64) -> Bool {
        guard 0...length ~= offset else { return false }
        position = offset
        return true
    }
}
