/// The content of one status file, made when it was opened and the same until it is closed.
struct StatusText: Sendable {
    private let bytes: [UInt8]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    func slice(_ count: Int, at offset: Int64) -> ArraySlice<UInt8> {
        guard offset < Int64(bytes.count) else { return [] }
        return bytes[Int(offset)...].prefix(count)
    }
}
