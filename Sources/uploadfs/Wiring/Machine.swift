import Dispatch
import FoundationEssentials
import UploadCore

enum Machine {
    /// Names this run of the kernel: another one after each restart (random(4)).
    static var boot: String {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return String((text ?? "").prefix { $0 != "\n" })
    }
}

extension Machine {
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

/// Work that waits for a disk, away from the few threads on which tasks run.
enum Disk {
    private static let queue = DispatchQueue(label: "uploadfs.disk", attributes: .concurrent)

    @Sendable static func run(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            queue.async {
                work()
                continuation.resume()
            }
        }
    }
}
