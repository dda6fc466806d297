/// The dead destination: one request asks from time to time whether it is back, and nobody else does.
extension UploadEngine {
    /// As far as is known.
    var isDestinationThere: Bool { breaker.state == .closed }

    /// Whether what failed is to be tried again at once. While nobody is there one probe looks for the destination, and
    /// not all that wait. What was answered is another matter: the next attempt may be what mends it.
    func isWorthwhile(after error: DestinationError) -> Bool { !error.isOfDestination || isDestinationThere }

    /// Asks from time to time whether it is back, and lets everybody go on then.
    func startProbing() {
        guard probing == nil else { return }
        probing = Task { [world] in
            while !Task.isCancelled, let delay = self.announceProbe() {
                do { try await world.clock.sleep(for: delay) } catch { return }
                world.board.count { $0.requests["probe", default: 0] += 1 }
                let answer: Result<Void, DestinationError>
                do throws(DestinationError) {
                    try await world.destination.probe()
                    answer = .success(())
                } catch {
                    answer = .failure(error)
                }
                // A request went well in the meantime: what the probe found is of yesterday.
                guard !Task.isCancelled else { return }
                guard case .failure(let error) = answer else { return self.probeSucceeded() }
                self.probeFailed(error)
            }
        }
    }

    /// - Returns: how long until the next probe; nil when none is needed.
    private func announceProbe() -> Duration? {
        guard case .open = breaker.state, !isStopping else { return nil }
        let delay = breaker.probeDelay(random: world.random())
        nextProbe = world.now().advanced(by: delay)
        showStoppage()
        return delay
    }

    /// Why nothing is sent, if so. That somebody paused it comes first: it goes on when they say so.
    func showStoppage() {
        if isPaused {
            world.board.stopped(
                StatusOverview.Stoppage(reason: "It was paused (\"resume\" goes on).", until: nil))
        } else if case .open(let error) = breaker.state {
            world.board.stopped(
                StatusOverview.Stoppage(reason: FailureSentences.failure(for: error).reason, until: nextProbe))
        } else {
            world.board.stopped(nil)
        }
    }

    private func probeSucceeded() {
        breaker.probeSucceeded()
        destinationIsBack()
    }

    private func probeFailed(_ error: DestinationError) {
        world.board.count { $0.requestsFailed["probe", default: 0] += 1 }
        breaker.probeFailed(error)
    }

    func destinationIsBack() {
        probing?.cancel()
        probing = nil
        showStoppage()
        let now = world.now()
        for version in uploads.keys {
            uploads[version]?.machine.destinationIsBack(at: now)
            moved(version)
        }
        movesGoOn(at: now)
        dispatch()
        startAborting()
        sweepSessions()
    }
}
