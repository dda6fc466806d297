import Glibc
import UploadCore

/// Reads ranges of a spool file through one small buffer.
struct SpoolReading {
    private var buffer = [UInt8](repeating: 0, count: 128 << 10)

    /// - Throws: also when the file ends within the range: then it is not the file that was promised.
    mutating func read(
        _ range: Range<Int64>, of content: any SpoolFile, _ use: (UnsafeRawBufferPointer) -> Void
    ) throws(SpoolError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = Int(min(Int64(buffer.count), range.upperBound - offset))
            let result = buffer.withUnsafeMutableBytes { bytes -> Result<Int, SpoolError> in
                let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[..<wanted])
                do throws(SpoolError) {
                    let count = try content.read(into: piece, at: offset)
                    use(UnsafeRawBufferPointer(rebasing: piece[..<count]))
                    return .success(count)
                } catch {
                    return .failure(error)
                }
            }
            let count = try result.get()
            guard count > 0 else { throw .system(call: "pread", errno: ENODATA) }
            offset += Int64(count)
        }
    }
}
