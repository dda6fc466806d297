import FoundationEssentials
import Glibc
import Synchronization
import UploadCore

/// All that was received: the sessions that are open, and the ones that were published not long ago (those are on
/// disk only). Everything it knows survives kill -9: a store opened on the same directory goes on with it.
final class SessionStore: Sendable {
    let directory: StoreDirectory
    let publisher: Publisher
    let calls: BlockingCalls

    private let lifetime: Duration
    private let maximumSessions: Int
    let now: @Sendable () -> Timestamp

    private let sessions: Mutex<[SessionIdentifier: UploadSession]>

    /// Opens the directory, takes its lock, reads every open session back and sweeps up what nobody can use.
    /// - Parameter now: the wall clock.
    init(
        path: String, lifetime: Duration, maximumSessions: Int, now: @escaping @Sendable () -> Timestamp
    ) throws(UploadServerError) {
        directory = try StoreDirectory(path: path)
        publisher = Publisher(root: directory.root, now: now)
        calls = BlockingCalls()
        self.lifetime = lifetime
        self.maximumSessions = maximumSessions
        self.now = now
        sessions = Mutex([:])
        recover()
    }

    /// How many uploads are under way.
    var openSessions: Int { sessions.withLock(\.count) }

    /// Those that are open and were begun with this origin.
    func sessions(ofOrigin origin: String) -> [UploadSession] {
        sessions.withLock { sessions in
            sessions.values.filter { $0.parameters.metadata["origin"] == origin && !$0.isPublished }
        }
    }

    func expiry(of session: UploadSession) -> Timestamp { session.lastUse.advanced(by: lifetime) }

    func begin(_ parameters: SessionParameters) async throws(StoreError) -> UploadSession {
        try checkRoom()
        let id = SessionIdentifier.random()
        let session: UploadSession
        do throws(StoreError) {
            session = try await calls.run { () throws(StoreError) in try self.make(id, parameters) }
        } catch {
            await discard(id)
            throw error
        }
        sessions.withLock { $0[id] = session }
        return session
    }

    /// Looks among the open sessions, then among the published ones.
    func session(_ id: SessionIdentifier) async throws(StoreError) -> UploadSession {
        let session: UploadSession
        if let open = sessions.withLock({ $0[id] }) {
            session = open
        } else if let published = try await calls.run({ () throws(StoreError) in try self.load(id) }) {
            // One that is open but not in the table is just being made or removed by somebody else.
            guard published.isPublished else { throw .unknownSession }
            session = published
        } else {
            throw .unknownSession
        }
        guard !session.isIdle(since: now().advanced(by: .zero - lifetime)) else {
            await remove(session)
            throw .unknownSession
        }
        return session
    }

    /// Marks the session as used, for the next start as well.
    func touch(_ session: UploadSession) {
        session.touch(now())
        _ = utimensat(directory.incoming.descriptor, session.id.text + "/" + SessionFiles.parametersName, nil, 0)
    }

    func finalize(_ session: UploadSession, _ order: FinalizeOrder) async throws(StoreError) -> PublishedObject {
        session.touch(now())
        return try await session.finalize(order, publisher: publisher) { [self] in
            _ = sessions.withLock { $0.removeValue(forKey: session.id) }
        }
    }

    /// Ends the session and everything that is kept of it. What was published stays.
    func remove(_ session: UploadSession) async {
        await session.close()
        _ = sessions.withLock { $0.removeValue(forKey: session.id) }
        await discard(session.id)
    }

    /// Ends every session that has not been used for its lifetime, open or published.
    func sweep() async {
        let deadline = now().advanced(by: .zero - lifetime)
        for session in sessions.withLock({ Array($0.values) }) where session.isIdle(since: deadline) {
            await remove(session)
        }
        for id in (try? directory.incomingNames())?.compactMap(SessionIdentifier.init) ?? []
        where sessions.withLock({ $0[id] == nil }) {
            // One that has data is being made or removed by somebody else just now.
            let isOver = try? await calls.run { () throws(StoreError) in
                let own = try self.openDirectory(id)
                guard !self.hasData(own) else { return false }
                return try self.lastUse(own) <= deadline
            }
            if isOver == true { await discard(id) }
        }
    }

    private func checkRoom() throws(StoreError) {
        guard openSessions < maximumSessions else { throw .tooManySessions }
    }
}

// MARK: - On disk

extension SessionStore {
    private func make(_ id: SessionIdentifier, _ parameters: SessionParameters) throws(StoreError) -> UploadSession {
        guard mkdirat(directory.incoming.descriptor, id.text, 0o700) == 0 else { throw .last("mkdir") }
        let own = try openDirectory(id)
        _ = try OpenFile.open(SessionFiles.dataName, below: own, flags: O_RDWR | O_CREAT | O_EXCL)
        try own.replaceContents(of: SessionFiles.parametersName, with: parameters)
        return UploadSession(
            id: id, parameters: parameters, incoming: directory.incoming, calls: calls, phase: .open, records: [:],
            logLength: 0, lastUse: now())
    }

    /// Reads a session back.
    /// - Returns: nil when there is none, or not enough of it.
    private func load(_ id: SessionIdentifier) throws(StoreError) -> UploadSession? {
        let own: OpenFile
        do throws(StoreError) {
            own = try openDirectory(id)
        } catch .system(_, ENOENT), .system(_, ENOTDIR) {
            return nil
        }
        guard let parameters = try own.decodeContents(of: SessionFiles.parametersName, as: SessionParameters.self)
        else { return nil }
        let phase: UploadSession.Phase
        if hasData(own) {
            phase = .open
        } else if let object = try own.decodeContents(of: SessionFiles.publishedName, as: PublishedObject.self) {
            phase = .published(object)
        } else {
            return nil
        }
        let log = try OpenFile.open(SessionFiles.logName, below: own, flags: O_RDWR | O_CREAT)
        let (records, length) = ChunkLog.replay(try log.contents())
        return UploadSession(
            id: id, parameters: parameters, incoming: directory.incoming, calls: calls, phase: phase, records: records,
            logLength: Int64(length), lastUse: try lastUse(own))
    }

    private func hasData(_ own: OpenFile) -> Bool {
        faccessat(own.descriptor, SessionFiles.dataName, F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// The last time that a chunk was stored, `touch` was called or the data was renamed away.
    private func lastUse(_ own: OpenFile) throws(StoreError) -> Timestamp {
        var last = try own.status().modified
        for name in [SessionFiles.parametersName, SessionFiles.logName] {
            var status = stat()
            if fstatat(own.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { last = max(last, status.modified) }
        }
        return last
    }

    private func openDirectory(_ id: SessionIdentifier) throws(StoreError) -> OpenFile {
        try SessionFiles.openDirectory(of: id, in: directory.incoming)
    }

    /// Only called while nobody else knows the store: what is not a whole session is rubbish then.
    private func recover() {
        for name in (try? directory.incomingNames()) ?? [] {
            if name.hasSuffix(IncomingFile.suffix) {
                _ = unlinkat(directory.incoming.descriptor, name, 0)
            } else if let id = SessionIdentifier(name) {
                recover(id)
            }
        }
    }

    private func recover(_ id: SessionIdentifier) {
        // Published ones are read when somebody asks for them.
        if let own = try? openDirectory(id), !hasData(own),
            faccessat(own.descriptor, SessionFiles.publishedName, F_OK, AT_SYMLINK_NOFOLLOW) == 0
        {
            return
        }
        do throws(StoreError) {
            if let session = try load(id) {
                sessions.withLock { $0[id] = session }
            } else {
                unlink(id)
            }
        } catch {
            // That it can't be read now does not make it rubbish.
            return
        }
    }

    private func discard(_ id: SessionIdentifier) async {
        // When the server is going down instead, the next start finds it expired, or not whole.
        try? await calls.run { () throws(StoreError) in self.unlink(id) }
    }

    /// The parameters go first: without them it is no session any more, should we be killed in between.
    private func unlink(_ id: SessionIdentifier) {
        for name in [
            SessionFiles.parametersName, SessionFiles.dataName, SessionFiles.logName, SessionFiles.publishedName,
        ] {
            _ = unlinkat(directory.incoming.descriptor, id.text + "/" + name, 0)
        }
        _ = unlinkat(directory.incoming.descriptor, id.text, AT_REMOVEDIR)
    }
}

extension UploadSession {
    var isPublished: Bool {
        state.withLock { state in
            switch state.phase {
            case .published: true
            case .open, .finalizing, .removed: false
            }
        }
    }
}
