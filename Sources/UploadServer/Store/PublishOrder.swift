import Synchronization
import UploadCore

/// A client's own count of what it publishes: `RUN/NUMBER`, where RUN is any word that it keeps as long as it
/// counts on, perhaps beyond its own death, and the number grows with each request.
struct PublishNumber: Sendable, Hashable {
    let run: String
    let number: UInt64

    /// - Returns: nil for what is no such thing.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count), let number = UInt64(parts[1]) else {
            return nil
        }
        run = String(parts[0])
        self.number = number
    }
}

/// Keeps an older version of a file from taking a newer one's place: a request that its client gave up, or
/// whose client was killed and has come back, may still be carried out, after the next version's. Only what
/// this server has under way can overtake, so this needs to outlive no restart of it.
final class PublishOrder: Sendable {
    /// Paths share locks, so that two files seldom wait for each other's rename.
    private let stripes: [Stripe]

    private final class Stripe: Sendable {
        let latest = Mutex<[UploadPath: PublishNumber]>([:])
    }

    /// Remembered paths of one stripe; beyond that all of them are forgotten.
    private static let maximumRemembered = 1024

    init() {
        stripes = (0..<64).map { _ in Stripe() }
    }

    /// - Parameter publish: makes the file visible; runs while nobody else can do so under this path.
    /// - Throws: `outdated` when the same client has published a later one.
    func publish(
        _ path: UploadPath, _ number: PublishNumber?, _ publish: () throws(StoreError) -> Void
    ) throws(StoreError) {
        let stripe = stripes[Int(UInt(bitPattern: path.hashValue) % UInt(stripes.count))]
        try stripe.latest.withLock { latest throws(StoreError) in
            if let number, let known = latest[path], known.run == number.run, known.number > number.number {
                throw .outdated
            }
            try publish()
            if latest.count >= Self.maximumRemembered { latest = [:] }
            latest[path] = number
        }
    }
}
