import Testing

@testable import UploadCore

@Suite struct MoveMachineTests {
    private let now = Timestamp(seconds: 1_750_000_000)

    private func failed(
        _ machine: inout MoveMachine, _ error: DestinationError, after elapsed: Duration = .zero
    ) {
        machine.started()
        machine.failed(
            error, policy: RetryPolicy(), at: UploadMachine.Moment(now: now, elapsed: elapsed), random: 1
        ) { failure, lasts in
            Failure(code: failure.code, reason: lasts ? "lasts" : "passes", remedy: failure.remedy)
        }
    }

    @Test("A rename makes it wait for the settling time, whatever it had come to")
    func renamed() {
        var machine = MoveMachine()
        failed(&machine, .rejected(Rejection(status: 409, cause: .conflict, detail: "")))
        #expect(machine.phase == .failed && machine.failure?.reason == "lasts")
        machine.renamed()
        #expect(machine.stage == .settling && machine.phase == .queued)
        machine.started()
        #expect(machine.stage == .settling)
        machine.settled()
        machine.started()
        #expect(machine.isUnderWay && machine.phase == .finalizing)
        machine.renamed()
        #expect(machine.isUnderWay)
        machine.stopped()
        #expect(machine.isReady)
    }

    @Test("Pauses grow, and end when the time is over")
    func pauses() {
        var machine = MoveMachine()
        for seconds in [1, 2, 4] {
            failed(&machine, .busy(status: 503, retryAfter: nil))
            guard case .waiting(let until, let failure) = machine.stage else {
                Issue.record("it does not wait")
                return
            }
            #expect(until == now.advanced(by: .seconds(seconds)) && failure.reason == "passes")
            machine.resumed()
            #expect(machine.isReady)
        }
        failed(&machine, .busy(status: 503, retryAfter: nil), after: .seconds(8 * 24 * 3600))
        #expect(machine.failure?.code == FailureSentences.gaveUpCode)
        machine.released()
        failed(&machine, .busy(status: 503, retryAfter: nil), after: .seconds(8 * 24 * 3600))
        #expect(machine.phase == .waiting)
    }

    @Test("Who waits since nobody answers goes on when the destination is back; who was told to wait, waits")
    func back() {
        for (error, isReady) in [
            (DestinationError.unreachable(.refused), true), (.busy(status: 503, retryAfter: nil), false),
        ] {
            var machine = MoveMachine()
            failed(&machine, error)
            machine.destinationIsBack(at: now)
            #expect(machine.isReady == isReady)
            machine.waitForDestination()
            machine.destinationIsBack(at: now)
            #expect(machine.isReady)
        }
    }

    @Test("What is published anew instead is not begun again")
    func relayed() {
        var machine = MoveMachine()
        machine.started()
        machine.relayed()
        machine.renamed()
        machine.settled()
        machine.started()
        #expect(machine.stage == .relayed)
    }
}
