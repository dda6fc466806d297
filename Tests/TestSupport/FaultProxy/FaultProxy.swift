import Foundation
import Glibc
import Synchronization

/// A proxy on 127.0.0.1 that stands between an HTTP/1.1 client and a server on the same machine, and
/// does to the client's requests what a rule says.
///
/// One thread per client connection, which waits in poll(2) and nowhere else; bodies stream through
/// (at most 64 KiB each way). Each request gets its own connection to the server, so that what
/// befalls one can't touch another.
package final class FaultProxy: Sendable {
    package let port: Int
    private let shared: Shared
    private let stopWriter: ProxySocket
    private let threads = DispatchGroup()

    /// What the connections' threads see of the proxy.
    final class Shared: Sendable {
        struct State {
            var rule: FaultRule = FaultRules.none
            var bucket: TokenBucket?
            var ordinal = 0
            var records: [ProxyRecord] = []
            var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        }

        let upstreamPort: Int
        /// Readable from the moment when everything has to end.
        let stop: ProxySocket
        let state = Mutex(State())

        init(upstreamPort: Int, stop: ProxySocket) {
            self.upstreamPort = upstreamPort
            self.stop = stop
        }

        /// Whether the client took the answer to the request just recorded shows only in what comes next.
        func markUnread(ordinal: Int) {
            state.withLock { state in
                guard let index = state.records.lastIndex(where: { $0.ordinal == ordinal }) else { return }
                state.records[index].outcome = .unread
            }
        }

        /// A request's head has come in.
        func count() -> (rule: FaultRule, ordinal: Int) {
            let (rule, ordinal, seen) = state.withLock { state in
                let ordinal = state.ordinal
                state.ordinal += 1
                let seen = state.watchers.filter { $0.count <= ordinal + 1 }.map(\.continuation)
                state.watchers.removeAll { $0.count <= ordinal + 1 }
                return (state.rule, ordinal, seen)
            }
            for watcher in seen { watcher.resume() }
            return (rule, ordinal)
        }
    }

    /// - Parameter upstreamPort: where the server listens on 127.0.0.1. It need not be there yet.
    package init(upstreamPort: Int) throws {
        var ends: [Int32] = [0, 0]
        try ProxySocket.check("pipe", pipe(&ends))
        stopWriter = ProxySocket(adopting: ends[1])
        shared = Shared(upstreamPort: upstreamPort, stop: ProxySocket(adopting: ends[0]))
        let listener = try ProxySocket.listener()
        port = listener.port
        threads.enter()
        Thread.detachNewThread { [shared, threads] in
            Self.accept(from: listener.socket, shared, threads)
            threads.leave()
        }
    }

    deinit { stop() }

    /// Holds for requests that come in from now on.
    package func setRule(_ rule: @escaping FaultRule) {
        shared.state.withLock { $0.rule = rule }
    }

    /// Holds all request bodies together to this rate, also those under way; nil: no limit.
    package func setRate(bytesPerSecond: Int?) {
        shared.state.withLock { $0.bucket = bytesPerSecond.map(TokenBucket.init) }
    }

    /// Every request that has ended, in the order of the ends.
    package var records: [ProxyRecord] { shared.state.withLock(\.records) }

    /// How many requests have come in, ended or not.
    package var requests: Int { shared.state.withLock(\.ordinal) }

    /// Returns once so many requests have come in.
    package func requests(atLeast count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = shared.state.withLock { state in
                if state.ordinal >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Cuts every connection and waits for the threads to end. May be called again.
    package func stop() {
        _ = Glibc.write(stopWriter.number, "s", 1)
        threads.wait()
    }

    private static func accept(from listener: ProxySocket, _ shared: Shared, _ threads: DispatchGroup) {
        let waiter = ProxyWaiter(stop: shared.stop)
        while true {
            do {
                try waiter.wait(for: [(listener, POLLIN)])
                guard let client = try listener.accept() else { continue }
                threads.enter()
                Thread.detachNewThread {
                    ProxyConnection(client: client, shared: shared).run()
                    threads.leave()
                }
            } catch ProxyError.stopped {
                return
            } catch {
                print("FaultProxy: \(error)")
                return
            }
        }
    }
}

/// Waits in poll(2) for sockets, time, or the proxy's end.
struct ProxyWaiter {
    let stop: ProxySocket

    /// - Returns: what is ready of each, POLLERR, POLLHUP included; all 0 when the time is over.
    /// - Throws: `.stopped`.
    @discardableResult
    func wait(
        for sockets: [(socket: ProxySocket, events: Int32)], atMost limit: Duration? = nil
    ) throws -> [Int32] {
        let deadline = limit.map { ContinuousClock.now + $0 }
        while true {
            var polls = [pollfd(fd: stop.number, events: Int16(POLLIN), revents: 0)]
            polls += sockets.map { pollfd(fd: $0.socket.number, events: Int16($0.events), revents: 0) }
            let milliseconds = deadline.map { max(0, ($0 - .now) / .milliseconds(1)).rounded(.up) }
            let count = poll(&polls, nfds_t(polls.count), milliseconds.map { Int32(min($0, 1e9)) } ?? -1)
            if count < 0, errno != EINTR { throw ProxyError.system(call: "poll", errno: errno) }
            if count > 0, polls[0].revents != 0 { throw ProxyError.stopped }
            if count > 0 || deadline.map({ $0 <= .now }) ?? false {
                return polls.dropFirst().map { Int32($0.revents) }
            }
        }
    }

    /// Lets time pass, unless the proxy is stopped.
    func pass(_ duration: Duration) throws {
        try wait(for: [], atMost: duration)
    }
}
