/// What a client calls its session by: 128 random bits as 32 lower-case hexadecimal digits. Nobody can
/// guess another's, and it is a file name as it stands.
struct SessionIdentifier: Hashable, Sendable, CustomStringConvertible {
    let text: String

    /// - Returns: nil for anything that we would not have given out.
    init?(_ text: some StringProtocol) {
        guard text.utf8.count == 32,
            text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        self.text = String(text)
    }

    private init(_ bits: UInt128) {
        let digits = String(bits, radix: 16)
        text = String(repeating: "0", count: 32 - digits.count) + digits
    }

    static func random() -> SessionIdentifier {
        SessionIdentifier(UInt128.random(in: 0...UInt128.max))
    }

    var description: String { text }
}
