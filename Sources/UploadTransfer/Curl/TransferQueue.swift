/// Who is sent next: first come first served, but for hosts whose connections are all in use. Pure.
struct TransferQueue<Item> {
    private let maximum: Int
    private let maximumPerHost: Int

    private var waiting: [(id: UInt64, host: Authority, item: Item)] = []
    private var running: [Authority: Int] = [:]
    private var total = 0

    init(maximum: Int, maximumPerHost: Int) {
        self.maximum = maximum
        self.maximumPerHost = maximumPerHost
    }

    mutating func add(_ item: Item, id: UInt64, host: Authority) {
        waiting.append((id, host, item))
    }

    /// Takes the next one that may run now; its place is taken until `finished`.
    mutating func next() -> (host: Authority, item: Item)? {
        guard total < maximum else { return nil }
        guard let index = waiting.firstIndex(where: { running[$0.host, default: 0] < maximumPerHost }) else {
            return nil
        }
        let entry = waiting.remove(at: index)
        total += 1
        running[entry.host, default: 0] += 1
        return (entry.host, entry.item)
    }

    mutating func finished(host: Authority) {
        guard let count = running[host] else { return }
        total -= 1
        running[host] = count == 1 ? nil : count - 1
    }

    /// Takes one that still waits out of the queue; nil when it does not wait.
    mutating func remove(id: UInt64) -> Item? {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        return waiting.remove(at: index).item
    }

    mutating func removeAll() -> [Item] {
        defer { waiting = [] }
        return waiting.map(\.item)
    }
}
