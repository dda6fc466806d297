/// A chunk that arrived whole.
struct ChunkRecord: Hashable, Sendable {
    let length: Int64
    let digest: ContentDigest
}

/// How a session's `chunks` file is written: one line for each thing that happened, so that a line is
/// either there or not, whenever the server was killed.
///
///     S INDEX LENGTH HEX-SHA-256     this chunk is stored
///     X INDEX                        this chunk's bytes are about to change: it is not stored any more
enum ChunkLog {
    enum Entry: Hashable, Sendable {
        case stored(Int, ChunkRecord)
        case dropped(Int)
    }

    static func line(_ entry: Entry) -> String {
        switch entry {
        case .stored(let index, let record): "S \(index) \(record.length) \(record.digest.hex)\n"
        case .dropped(let index): "X \(index)\n"
        }
    }

    /// - Returns: what is stored, and how many bytes of the log are good. A line that was not written to its end
    ///   (or is not ours) ends it: the next line is written over it.
    static func replay(_ bytes: [UInt8]) -> (records: [Int: ChunkRecord], length: Int) {
        var records: [Int: ChunkRecord] = [:]
        var good = 0
        while let end = bytes[good...].firstIndex(of: UInt8(ascii: "\n")),
            let entry = parse(String(decoding: bytes[good..<end], as: UTF8.self))
        {
            switch entry {
            case .stored(let index, let record): records[index] = record
            case .dropped(let index): records[index] = nil
            }
            good = end + 1
        }
        return (records, good)
    }

    private static func parse(_ line: String) -> Entry? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        switch (words.first, words.count) {
        case ("S", 4):
            guard let index = Int(words[1]), let length = Int64(words[2]), let digest = ContentDigest(hex: words[3])
            else { return nil }
            return .stored(index, ChunkRecord(length: length, digest: digest))
        case ("X", 2):
            return Int(words[1]).map(Entry.dropped)
        default:
            return nil
        }
    }
}
