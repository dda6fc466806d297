/// The journal's word that an upload of chunks is about to be begun: written down before the request, taken back with its
/// answer. What a killed run has left of them tells where the destination may have uploads that nobody knows of.
package struct BeginIntention: Sendable, Hashable {
    /// As the engine numbers its requests: no two of a state directory have the same.
    package let number: Int
    package let path: UploadPath
    /// Just before the request, by this machine's clock.
    package let time: Timestamp

    package init(number: Int, path: UploadPath, time: Timestamp) {
        self.number = number
        self.path = path
        self.time = time
    }
}

/// What a destination has found of uploads that an earlier run began and did not live to note.
package struct LeftBehind: Sendable, Hashable {
    /// Ours: to be aborted.
    package var strays: [SessionToken] = []
    /// Intentions that nothing can come of any more, by their numbers.
    package var settled: [Int] = []
    /// Objects that have more uploads than ours can be, in words for people: which ones are ours can't be told.
    package var doubtful: [String] = []

    package init() {}

    /// Of two looks, some time apart, what both have shown.
    package func confirming(_ earlier: LeftBehind) -> LeftBehind {
        var both = self
        both.strays = strays.filter(Set(earlier.strays).contains)
        // One that has come between is looked at again another time.
        if both.strays.count < strays.count { both.settled = [] }
        return both
    }
}

/// Every session that is this mount's own, those included that are being begun when it is asked for: it waits for their
/// answers. nil: nobody can tell.
package typealias KnownSessions = @Sendable () async -> Set<SessionToken>?

extension Destination {
    /// For those that `leftBehind()` can tell it.
    package func leftBehind(
        by intentions: [BeginIntention], known: KnownSessions
    ) async throws(DestinationError) -> LeftBehind? { nil }
}
