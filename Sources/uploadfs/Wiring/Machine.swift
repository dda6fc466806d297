import Dispatch
import FoundationEssentials

enum Machine {
    /// Names this run of the kernel: another one after each restart (random(4)).
    static var boot: String {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return String((text ?? "").prefix { $0 != "\n" })
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
