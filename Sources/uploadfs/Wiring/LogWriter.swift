import DequeModule
import Dispatch
import Glibc
import Logging
import Synchronization

/// Writes log lines to standard error on a thread of its own: who logs never waits for whoever reads them (a pipe that
/// nobody empties, a terminal that was stopped). What does not fit its memory meanwhile is dropped, and counted.
final class LogWriter: Sendable {
    static let shared = LogWriter(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "uploadfs.log")
    private let waiting = Mutex(Waiting())

    private struct Waiting {
        var lines: Deque<String> = []
        var bytes = 0
        var dropped = 0
        var isWriting = false
    }

    /// Bytes that wait at the most.
    private static let most = 1 << 20
    /// Bytes of several lines that are written with one call: as many as a pipe takes in one piece (PIPE_BUF, pipe(7)),
    /// so that two programs that share one don't tear each other's lines.
    private static let atOnce = 4096

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Never waits.
    func write(_ line: String) {
        let mustBegin = waiting.withLock { waiting in
            guard waiting.bytes + line.utf8.count <= Self.most else {
                waiting.dropped += 1
                return false
            }
            waiting.lines.append(line)
            waiting.bytes += line.utf8.count
            defer { waiting.isWriting = true }
            return !waiting.isWriting
        }
        if mustBegin { queue.async { self.writeAll() } }
    }

    /// Returns when all that was written before is out, or after that time.
    func flush(within limit: DispatchTimeInterval) {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + limit)
    }

    private func writeAll() {
        while let text = next() { Terminal.put(text, descriptor) }
    }

    /// - Returns: some lines at once; nil when there is nothing: then the next line begins anew.
    private func next() -> String? {
        waiting.withLock { waiting in
            var text = ""
            while let line = waiting.lines.first, text.isEmpty || text.utf8.count + line.utf8.count <= Self.atOnce {
                text += line
                waiting.lines.removeFirst()
            }
            if !text.isEmpty {
                waiting.bytes -= text.utf8.count
                return text
            }
            if waiting.dropped > 0 {
                defer { waiting.dropped = 0 }
                return "uploadfs: \(waiting.dropped) log lines were dropped: nobody read what was written before.\n"
            }
            waiting.isWriting = false
            return nil
        }
    }
}

/// One line for each event: the time, the level, what it is about, and the words.
struct LineLogHandler: LogHandler {
    let label: String
    let writer: LogWriter
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }
            .sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        writer.write("\(Self.time()) \(event.level) \(label):\(facts) [\(event.source)] \(event.message)\n")
    }

    private static func time() -> String {
        var now = time_t(Glibc.time(nil))
        var fields = tm()
        localtime_r(&now, &fields)
        var buffer = [CChar](repeating: 0, count: 40)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S%z", &fields)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
