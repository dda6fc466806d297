import FoundationEssentials
import Glibc
import UploadCore

/// What tells this machine, and this state directory, from others.
enum Machine {
    /// Names this run of the kernel: another one after each restart (random(4)).
    static var boot: String {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return String((text ?? "").prefix { $0 != "\n" })
    }

    /// As other machines know it; empty when it has none.
    static var name: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static let originFact = "origin"

    /// Names this state directory to destinations, for as long as it is kept: sessions are found again by it.
    static func origin(_ journal: any Journal) throws(JournalError) -> String {
        if let known = try journal.fact(originFact) { return known }
        let origin =
            String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
        try journal.apply([.setFact(name: originFact, value: origin)])
        return origin
    }
}
