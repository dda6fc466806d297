import FoundationEssentials
import UploadCore

/// Where the state of a mount lies when nobody names a place.
enum StatePaths {
    /// The same for the same destination and mountpoint, whenever and however often it is mounted.
    /// - Parameters:
    ///   - destination: its URL, or the embedded server's directory.
    ///   - mountpoint: absolute.
    static func standard(destination: String, mountpoint: String) -> String {
        let name = mountpoint.split(separator: "/").last.map { readable($0) } ?? "root"
        return "\(Directories.state)/uploadfs/\(name)-\(identifier(of: destination + "\0" + mountpoint))"
    }

    /// FNV-1a, 64 bits (RFC 9923): no secret, only a short name that stays the same.
    private static func identifier(of text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func readable(_ name: Substring) -> String {
        String(name.prefix(32).map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") ? $0 : "_" })
    }

    /// uploadfs must never open a path inside its own mount: it would wait for itself.
    static func check(_ place: String, isOutside mountpoint: String, _ what: String) throws(CommandFailure) {
        let absolute = Paths.absolute(place)
        guard absolute != mountpoint, !absolute.hasPrefix(mountpoint == "/" ? "/" : mountpoint + "/") else {
            throw CommandFailure(
                .configuration,
                "\(what) (\(place)) lies inside the mountpoint \(mountpoint). Name a place outside of it.")
        }
    }
}
