import Testing

@testable import UploadTransfer

@Suite("What is held of credentials")
struct CredentialShelfTests {
    private static let first = S3Credentials(accessKey: "first", secretKey: "s")
    private static let second = S3Credentials(accessKey: "second", secretKey: "s")
    private static let failure = S3CredentialFailure.passing("no network")

    /// One that got the first ones at 0, to end at `end`.
    private func shelf(end: Int?) -> CredentialShelf {
        var shelf = CredentialShelf(plan: nil)
        #expect(shelf.ask(at: 0) == .fetch)
        #expect(shelf.ask(at: 0) == .wait)
        let lease = CredentialLease(credentials: Self.first, end: end)
        #expect(shelf.fetched(.success(lease), at: 0) == .success(Self.first))
        return shelf
    }

    @Test("serves until 5 minutes before its end; then it is renewed beside the requests, once")
    func renewal() {
        var shelf = shelf(end: 3600)
        #expect(shelf.ask(at: 3299) == .give(Self.first))
        #expect(shelf.ask(at: 3300) == .giveAndFetch(Self.first))
        #expect(shelf.ask(at: 3301) == .give(Self.first))
        // Over, with the answer still to come.
        #expect(shelf.ask(at: 3600) == .wait)
        let lease = CredentialLease(credentials: Self.second, end: 7200)
        #expect(shelf.fetched(.success(lease), at: 3600) == .success(Self.second))
        #expect(shelf.ask(at: 3601) == .give(Self.second))
    }

    @Test("serves on when it could not be renewed, as long as it is good, and is tried again each minute")
    func failedRenewal() {
        var shelf = shelf(end: 3600)
        #expect(shelf.ask(at: 3300) == .giveAndFetch(Self.first))
        #expect(shelf.fetched(.failure(Self.failure), at: 3310) == .success(Self.first))
        #expect(shelf.ask(at: 3370) == .give(Self.first))
        #expect(shelf.ask(at: 3371) == .giveAndFetch(Self.first))
        #expect(shelf.fetched(.failure(Self.failure), at: 3600) == .failure(Self.failure))
        #expect(shelf.ask(at: 3605) == .fail(Self.failure))
        #expect(shelf.ask(at: 3606) == .fetch)
    }

    @Test("without an end serves for ever, until it is refused")
    func endless() {
        var shelf = shelf(end: nil)
        #expect(shelf.ask(at: 1_000_000_000) == .give(Self.first))
        shelf.refused(Self.second)
        #expect(shelf.ask(at: 1_000_000_000) == .give(Self.first))
        shelf.refused(Self.first)
        #expect(shelf.ask(at: 1_000_000_000) == .fetch)
    }

    @Test("is not asked for again at once when it is refused")
    func refused() {
        var shelf = shelf(end: 3600)
        shelf.refused(Self.first)
        #expect(shelf.ask(at: 5) == .give(Self.first))
        #expect(shelf.ask(at: 6) == .fetch)
        // It could not be had: the old ones may still do for something.
        #expect(shelf.fetched(.failure(Self.failure), at: 6) == .success(Self.first))
        #expect(shelf.ask(at: 7) == .give(Self.first))
        #expect(shelf.ask(at: 12) == .fetch)
        let lease = CredentialLease(credentials: Self.first, end: 3600)
        #expect(shelf.fetched(.success(lease), at: 12) == .success(Self.first))
        #expect(shelf.ask(at: 13) == .give(Self.first))
    }

    @Test("fails the same way for a few seconds when there was none to be had")
    func failure() {
        var shelf = CredentialShelf(plan: nil)
        #expect(shelf.ask(at: 0) == .fetch)
        #expect(shelf.fetched(.failure(Self.failure), at: 10) == .failure(Self.failure))
        #expect(shelf.ask(at: 15) == .fail(Self.failure))
        #expect(shelf.ask(at: 16) == .fetch)
    }

    @Test("that is over by this machine's clock when it comes is tried all the same")
    func wrongClock() {
        var shelf = shelf(end: -100)
        #expect(shelf.ask(at: 1) == .give(Self.first))
        #expect(shelf.ask(at: 6) == .fetch)
        // Set back by a year: nothing is recent.
        _ = shelf.fetched(.failure(Self.failure), at: 10)
        var back = shelf
        #expect(back.ask(at: -30_000_000) != .fail(Self.failure))
    }
}
