import Testing
import UploadCore

@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy()

    @Test(
        "Quick delays double, with full jitter, and end after three attempts",
        arguments: zip([1, 2, 3, 4], [Duration.milliseconds(200), .milliseconds(400), nil, nil]))
    func quickDelays(attempt: Int, most: Duration?) {
        #expect(policy.quickDelay(attempt: attempt, error: .broken(.reset), random: 1) == most)
        #expect(policy.quickDelay(attempt: attempt, error: .broken(.reset), random: 0) == most.map { $0 * 0 })
    }

    @Test("No quick delay is over 3 s")
    func cap() {
        var patient = policy
        patient.quickAttempts = 100
        #expect(patient.quickDelay(attempt: 60, error: .broken(.reset), random: 1) == .seconds(3))
    }

    @Test("Retry-After is waited for exactly when it is short; a long one gives the slot away")
    func retryAfter() {
        let short = DestinationError.busy(status: 503, retryAfter: .seconds(2))
        let long = DestinationError.busy(status: 503, retryAfter: .seconds(60))
        #expect(policy.quickDelay(attempt: 1, error: short, random: 0.1) == .seconds(2))
        #expect(policy.quickDelay(attempt: 1, error: long, random: 0.1) == nil)
        #expect(policy.pause(round: 1, error: long, random: 0) == .seconds(60))
        #expect(policy.pause(round: 1, error: short, random: 1) == .seconds(2))
    }

    @Test(
        "Pauses double up to five minutes, half of them jitter",
        arguments: zip([1, 2, 5, 9, 10, 1000], [1, 2, 16, 256, 300, 300]))
    func pauses(round: Int, seconds: Int) {
        #expect(policy.pause(round: round, error: .broken(.reset), random: 1) == .seconds(seconds))
        #expect(policy.pause(round: round, error: .broken(.reset), random: 0) == .seconds(seconds) / 2)
    }

    struct Row: Sendable {
        let error: DestinationError
        let verdict: RetryPolicy.Verdict
    }

    @Test(
        "Each kind of error has its verdict",
        arguments: [
            Row(error: .unreachable(.refused), verdict: .transient),
            Row(error: .unreachable(.unresolved(host: "x")), verdict: .transient),
            Row(error: .broken(.stalled), verdict: .transient),
            Row(error: .busy(status: 500, retryAfter: nil), verdict: .transient),
            Row(error: .damaged, verdict: .transient),
            Row(error: .malformed(detail: ""), verdict: .transient),
            Row(error: .unauthorized(status: 401), verdict: .destinationDown),
            Row(error: .noCredentials(detail: ""), verdict: .destinationDown),
            Row(error: .sessionLost, verdict: .beginAgain),
            Row(error: .missing([1]), verdict: .sendAgain([1])),
            Row(error: .rejected(Rejection(status: 413, cause: .other, detail: "")), verdict: .final),
            Row(error: .source(.noSpace), verdict: .final),
            Row(error: .cancelled, verdict: .stopped),
        ])
    func verdicts(_ row: Row) {
        #expect(policy.verdict(row.error) == row.verdict)
        #expect((policy.quickDelay(attempt: 1, error: row.error, random: 0.5) != nil) == (row.verdict == .transient))
    }

    @Test("A right that lacks is waited for, and not asked for thrice in a second")
    func forbidden() {
        let error = DestinationError.forbidden(status: 403, detail: "")
        #expect(policy.verdict(error) == .transient)
        #expect(policy.quickDelay(attempt: 1, error: error, random: 0.5) == nil)
        // One name does not stop the others; three in a row, and nothing goes well, do.
        var breaker = Breaker()
        #expect(breaker.failed(error) == false && breaker.failed(error) == false)
        _ = breaker.succeeded()
        #expect(breaker.failed(error) == false && breaker.failed(error) == false && breaker.failed(error) == true)
        breaker = Breaker()
        #expect(breaker.failed(.noCredentials(detail: "")) == true)
    }
}

@Suite struct BreakerTests {
    @Test("Nobody there opens it at once; broken connections only when three in a row fail")
    func opening() {
        var breaker = Breaker()
        #expect(breaker.failed(.unreachable(.refused)) == true)
        #expect(breaker.state == .open(.unreachable(.refused)))
        breaker = Breaker()
        #expect(breaker.failed(.broken(.reset)) == false)
        #expect(breaker.failed(.busy(status: 503, retryAfter: nil)) == false)
        #expect(breaker.failed(.broken(.stalled)) == true)
    }

    @Test("A success in between starts the count anew")
    func successResets() {
        var breaker = Breaker()
        for _ in 0..<10 {
            #expect(breaker.failed(.broken(.reset)) == false)
            #expect(breaker.failed(.broken(.reset)) == false)
            #expect(breaker.succeeded() == false)
        }
    }

    @Test("Refusals of one file say nothing about the destination")
    func refusals() {
        var breaker = Breaker()
        for _ in 0..<10 {
            #expect(breaker.failed(.rejected(Rejection(status: 415, cause: .typeRefused, detail: ""))) == false)
            #expect(breaker.failed(.damaged) == false)
        }
        #expect(breaker.state == .closed)
    }

    @Test("Probes come at growing distances, at most 30 s, until one succeeds")
    func probing() {
        var breaker = Breaker()
        #expect(breaker.failed(.unreachable(.refused)) == true)
        var delays: [Duration] = []
        for _ in 0..<9 {
            delays.append(breaker.probeDelay(random: 1))
            breaker.probeFailed(.unreachable(.timedOut))
        }
        #expect(delays.prefix(4) == [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4)])
        #expect(delays.last == .seconds(30))
        #expect(breaker.state == .open(.unreachable(.timedOut)))
        #expect(breaker.succeeded() == true)
        #expect(breaker.state == .closed)
        #expect(breaker.succeeded() == false)
    }

    /// A server whose disk is full answers probes and refuses files.
    @Test("Probes that go well while requests go on failing come at growing distances, too")
    func answeringButBusy() {
        let busy = DestinationError.busy(status: 507, retryAfter: nil)
        var breaker = Breaker()
        for _ in 0..<2 { #expect(breaker.failed(busy) == false) }
        #expect(breaker.failed(busy) == true)
        var delays: [Duration] = []
        for _ in 0..<8 {
            delays.append(breaker.probeDelay(random: 1))
            breaker.probeSucceeded()
            #expect(breaker.state == .closed)
            #expect(breaker.failed(busy) == true)
        }
        #expect(delays.prefix(3) == [.milliseconds(500), .seconds(1), .seconds(2)])
        #expect(delays.last == .seconds(30))
    }

    @Test("No probe before a Retry-After is over")
    func retryAfter() {
        var breaker = Breaker()
        for _ in 0..<3 { _ = breaker.failed(.busy(status: 503, retryAfter: .seconds(60))) }
        #expect(breaker.probeDelay(random: 0) == .seconds(60))
    }
}

@Suite struct UploadQueueTests {
    private func drain(_ queue: inout UploadQueue) -> [Int64] {
        var order: [Int64] = []
        while let version = queue.next() { order.append(version.rawValue) }
        return order
    }

    @Test("Small files and big ones take turns; within a lane it is first come, first served")
    func lanes() {
        var queue = UploadQueue()
        for number in 1...4 { queue.enqueue(VersionID(Int64(number)), .whole) }
        queue.enqueue(VersionID(10), .chunked)
        queue.enqueue(VersionID(11), .chunked)
        #expect(drain(&queue) == [1, 10, 2, 11, 3, 4])
        #expect(queue.isEmpty)
    }

    @Test("Who stands in line keeps the place; who was removed has lost it")
    func places() {
        var queue = UploadQueue()
        queue.enqueue(VersionID(1), .whole)
        queue.enqueue(VersionID(2), .whole)
        queue.enqueue(VersionID(1), .whole)
        queue.remove(VersionID(2))
        #expect(drain(&queue) == [1])
    }

    @Test("A file that turns out to be big changes its lane")
    func changingLanes() {
        var queue = UploadQueue()
        queue.enqueue(VersionID(1), .whole)
        queue.enqueue(VersionID(1), .chunked)
        #expect(drain(&queue) == [1])
    }

    /// Issue: "small and young files are not starved by a huge one", nor the huge one by them.
    @Test("A huge file gets every other turn beside a thousand small ones, and no more")
    func fairness() {
        var queue = UploadQueue()
        let huge = VersionID(0)
        queue.enqueue(huge, .chunked)
        for number in 1...1000 { queue.enqueue(VersionID(Int64(number)), .whole) }
        var hugeTurns = 0
        for _ in 0..<100 {
            if queue.next() == huge {
                hugeTurns += 1
                queue.enqueue(huge, .chunked)
            }
        }
        #expect(hugeTurns == 50)
    }
}
