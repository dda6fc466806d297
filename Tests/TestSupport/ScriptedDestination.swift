import Synchronization
package import UploadCore

/// A destination in memory that does what a test tells it: carry a request out, refuse it, carry it
/// out and lose the answer, or hold it at a gate. It counts every call and keeps the bytes.
package final class ScriptedDestination: Destination {
    package enum Kind: Sendable, Hashable, CaseIterable {
        case probe, put, begin, send, inventory, finish, abort, copy, delete, read
    }

    /// One request as it came in.
    package struct Call: Sendable, Hashable {
        package let kind: Kind
        /// How many of its kind came before it.
        package let ordinal: Int
        package let session: SessionToken?
        package let object: ObjectDescription?
        package let chunk: ChunkRef?
        /// What is copied, or deleted.
        package let source: UploadPath?
        /// Of a read.
        package var range: Range<Int64>?
    }

    package indirect enum Answer: Sendable {
        case carryOut
        /// Nothing of it happens.
        case fail(DestinationError)
        /// It happens, and the answer is lost.
        case carryOutAndFail(DestinationError)
        /// First waits until the gate opens (a task that is cancelled meanwhile gets `.cancelled`).
        case hold(Gate, then: Answer)
    }

    package struct PublishedObject: Sendable, Hashable {
        package let description: ObjectDescription
        package let bytes: [UInt8]
        package let receipt: PublishReceipt
    }

    package let limits: DestinationLimits
    let store = DestinationStore()

    private struct Script {
        var left: [SessionToken]?
        var search: Search = { _, _ in nil }
        var searches: [[BeginIntention]] = []
        var rule: @Sendable (Call) -> Answer = { _ in .carryOut }
        var next: [Kind: [Answer]] = [:]
        var calls: [Call] = []
        var counts: [Kind: Int] = [:]
        var underWay: [Kind: Int] = [:]
        var peak: [Kind: Int] = [:]
        var watchers: [(kind: Kind, count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let script = Mutex(Script())

    /// - Parameter limits: by default chunks of 1,000 bytes, three at a time, replaceable.
    package init(
        limits: DestinationLimits = DestinationLimits(
            schedule: .equal(1000), parallelChunks: 3, canReplaceChunk: true, namesAtFinish: true, canCopy: true,
            canDelete: true)
    ) {
        self.limits = limits
    }

    // MARK: For the test

    /// Answers every call that `answerNext` says nothing about.
    package func setRule(_ rule: @escaping @Sendable (Call) -> Answer) {
        script.withLock { $0.rule = rule }
    }

    /// The next calls of this kind get these answers, in order; they go before the rule.
    package func answerNext(_ kind: Kind, _ answers: Answer...) {
        script.withLock { $0.next[kind, default: []] += answers }
    }

    package func failNext(_ kind: Kind, _ errors: DestinationError...) {
        script.withLock { $0.next[kind, default: []] += errors.map { .fail($0) } }
    }

    /// Every call so far, also those that failed, in order.
    package var calls: [Call] { script.withLock(\.calls) }
    package func count(_ kind: Kind) -> Int { script.withLock { $0.counts[kind] ?? 0 } }
    /// How many of a kind were under way at once at most.
    package func peak(_ kind: Kind) -> Int { script.withLock { $0.peak[kind] ?? 0 } }

    /// Returns once so many calls of a kind have come in.
    package func calls(_ kind: Kind, atLeast count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = script.withLock { script in
                if script.counts[kind] ?? 0 >= count { return true }
                script.watchers.append((kind, count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// What is published under a path.
    package func object(at path: UploadPath) async -> PublishedObject? { await store.objects[path] }
    package var objects: [UploadPath: PublishedObject] { get async { await store.objects } }
    /// Sessions that are neither finished nor aborted.
    package var openSessions: Set<SessionToken> { get async { Set(await store.sessions.keys) } }
    /// The destination forgets a session, as a server does after it expired.
    package func lose(_ session: SessionToken) async { await store.abort(session) }

    /// Somebody else removes what is published under a path.
    package func remove(_ path: UploadPath) async { await store.delete(ObjectReference(path: path)) }

    /// What an earlier run is to have begun and not noted.
    package func leave(_ sessions: [SessionToken]) {
        script.withLock { $0.left = sessions }
    }

    /// Finds what is left by intentions, told which sessions are known.
    package typealias Search = @Sendable ([BeginIntention], Set<SessionToken>?) -> LeftBehind?

    /// By default it may not look.
    package func setSearch(_ search: @escaping Search) {
        script.withLock { $0.search = search }
    }

    /// What was looked for so far.
    package var searches: [[BeginIntention]] { script.withLock(\.searches) }

    // MARK: Destination

    package func probe() async throws(DestinationError) {
        try await perform(.probe) { () throws(DestinationError) in }
    }

    package func put(
        _ object: ObjectDescription, content: any SpoolFile, sent: ByteCounter, isCurrent: CurrencyCheck
    ) async throws(DestinationError) -> PublishReceipt {
        try await perform(.put, object: object) { () async throws(DestinationError) in
            let bytes = try Self.bytes(of: content, in: 0..<(object.size ?? 0))
            guard try isCurrent() else { throw .cancelled }
            sent.add(Int64(bytes.count))
            return await self.store.publish(object, bytes)
        }
    }

    package func begin(_ object: ObjectDescription) async throws(DestinationError) -> any UploadSession {
        try await perform(.begin, object: object) { () async throws(DestinationError) in
            ScriptedSession(token: await self.store.begin(), destination: self)
        }
    }

    /// What is published is told by its digest.
    package func read(
        _ range: Range<Int64>, of object: ReadableObject
    ) async throws(DestinationError) -> ObjectPiece {
        try await perform(.read, range: range) { () async throws(DestinationError) in
            guard let found = await self.store.objects[object.path] else { throw .objectGone }
            let tag = found.receipt.digest
            guard tag == object.held ?? object.tag ?? tag, found.receipt.size == object.size else {
                throw .objectChanged
            }
            return ObjectPiece(
                bytes: Array(found.bytes[Int(range.lowerBound)..<Int(range.upperBound)]), tag: tag)
        }
    }

    package func leftBehind() async throws(DestinationError) -> [SessionToken]? {
        script.withLock(\.left)
    }

    package func leftBehind(
        by intentions: [BeginIntention], known: KnownSessions
    ) async throws(DestinationError) -> LeftBehind? {
        let search = script.withLock { script in
            script.searches.append(intentions)
            return script.search
        }
        return search(intentions, await known())
    }

    package func copy(
        _ source: ObjectReference, to object: ObjectDescription
    ) async throws(DestinationError) -> CopiedObject? {
        try await perform(.copy, object: object, source: source) { () async throws(DestinationError) in
            await self.store.copy(source, to: object)
        }
    }

    package func delete(_ object: ObjectReference) async throws(DestinationError) {
        try await perform(.delete, source: object) { () async throws(DestinationError) in
            await self.store.delete(object)
        }
    }

    package func resume(_ token: SessionToken, schedule: ChunkSchedule) -> any UploadSession {
        ScriptedSession(token: token, destination: self)
    }

    // MARK: The script

    func perform<Value: Sendable>(
        _ kind: Kind, session: SessionToken? = nil, object: ObjectDescription? = nil, chunk: ChunkRef? = nil,
        source: ObjectReference? = nil, range: Range<Int64>? = nil, _ act: () async throws(DestinationError) -> Value
    ) async throws(DestinationError) -> Value {
        let (answer, seen) = script.withLock { script in
            let count = script.counts[kind] ?? 0
            let call = Call(
                kind: kind, ordinal: count, session: session, object: object, chunk: chunk, source: source?.path,
                range: range)
            script.calls.append(call)
            script.counts[kind] = count + 1
            script.underWay[kind, default: 0] += 1
            script.peak[kind] = max(script.peak[kind] ?? 0, script.underWay[kind] ?? 0)
            let isSeen = { (watcher: (kind: Kind, count: Int, continuation: CheckedContinuation<Void, Never>)) in
                watcher.kind == kind && watcher.count <= count + 1
            }
            let seen = script.watchers.filter(isSeen).map(\.continuation)
            script.watchers.removeAll(where: isSeen)
            if var answers = script.next[kind], !answers.isEmpty {
                let answer = answers.removeFirst()
                script.next[kind] = answers
                return (answer, seen)
            }
            return (script.rule(call), seen)
        }
        defer { script.withLock { $0.underWay[kind, default: 0] -= 1 } }
        for watcher in seen { watcher.resume() }
        return try await follow(answer, act)
    }

    private func follow<Value: Sendable>(
        _ answer: Answer, _ act: () async throws(DestinationError) -> Value
    ) async throws(DestinationError) -> Value {
        switch answer {
        case .carryOut:
            return try await act()
        case .fail(let error):
            throw error
        case .carryOutAndFail(let error):
            _ = try await act()
            throw error
        case .hold(let gate, let then):
            do {
                try await gate.pass()
            } catch {
                throw .cancelled
            }
            return try await follow(then, act)
        }
    }

    static func bytes(of content: any SpoolFile, in range: Range<Int64>) throws(DestinationError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound))
        let outcome = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(SpoolError) in try content.read(into: buffer, at: range.lowerBound) }
        }
        switch outcome {
        case .success(let count): return Array(bytes[..<count])
        case .failure(let error): throw .source(error)
        }
    }
}
