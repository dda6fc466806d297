import UploadCore

/// What read(2) gets.
enum ReadAnswer {
    /// So many bytes of a spool file, from there on.
    case spool(any SpoolFile, offset: Int64, count: Int)
    case bytes(ArraySlice<UInt8>)
    /// Later. The binding calls it, and answers when the waiter does.
    case parked(Waiter)
}

/// What write(2) gets.
enum WriteAnswer {
    /// So many bytes: all of them.
    case written(Int)
    /// Later: the bytes are in the spool, but it is full.
    case parked(Waiter)
}

/// An answer that comes later.
enum LateAnswer: Sendable {
    case bytes(ArraySlice<UInt8>)
    case written(Int)
    /// What had to be waited for first is there: now the request is carried out.
    case carryOn
}

/// A wait that has not begun: begins with a closure for the answer, and gives one that ends it.
struct Waiter: Sendable {
    typealias Outcome = Result<LateAnswer, FileSystemError>
    typealias Answer = @Sendable (Outcome) -> Void

    /// What the caller is told who gets a signal while it waits.
    let interrupted: Outcome
    /// What it is told when the mount goes away.
    let ended: Outcome
    /// Begun when the mount is going already, it is not answered any more: the end of the connection does that.
    let isHeldAtEnd: Bool
    /// `answer` is called at most once, perhaps before this returns.
    let begin: @Sendable (_ answer: @escaping Answer) -> (@Sendable () -> Void)

    init(
        interrupted: Outcome = .failure(.interrupted), ended: Outcome = .failure(.ending),
        isHeldAtEnd: Bool = false,
        begin: @escaping @Sendable (@escaping Answer) -> (@Sendable () -> Void)
    ) {
        self.interrupted = interrupted
        self.ended = ended
        self.isHeldAtEnd = isHeldAtEnd
        self.begin = begin
    }
}

/// The hot path: the handle leads to the content, and only the first change of what is promised to be published
/// takes the tree's lock.
extension FileSystem {
    func read(_ handle: OpenHandle, _ count: Int, at offset: Int64) throws(FileSystemError) -> ReadAnswer {
        guard offset >= 0 else { throw .invalid }
        switch handle {
        case .file(let handle):
            guard let readable = handle.content.readable(count, at: offset) else {
                return try readBack(handle.content, count, at: offset)
            }
            guard readable.count > 0 else { return .bytes([]) }
            guard spool.gauge.isPressed else {
                return .spool(readable.file, offset: offset, count: readable.count)
            }
            // Room may be made under our hands: what was read counts if it is still here afterwards.
            let bytes = try spooled { () throws(SpoolError) in
                try readable.file.bytes(readable.count, at: offset)
            }
            guard handle.content.readable(count, at: offset) != nil else {
                return try readBack(handle.content, count, at: offset)
            }
            return .bytes(bytes[...])
        case .status(let text): return .bytes(text.slice(count, at: offset))
        case .wait(let wait): return wait.read(count, at: offset)
        case .sync(let sync): return sync.read()
        case .directory: throw .isDirectory
        case .control: throw .badHandle
        }
    }

    /// - Parameter thread: who writes; 0: not known.
    func write(
        _ handle: OpenHandle, _ source: some ByteSource, at offset: Int64, by thread: Int32 = 0
    ) throws(FileSystemError) -> WriteAnswer {
        if case .control(let file) = handle {
            let bytes = try spooled { () throws(SpoolError) in try source.bytes() }
            try control(file, bytes)
            return .written(bytes.count)
        }
        guard case .file(let handle) = handle, handle.isWriter, offset >= 0 else { throw .badHandle }
        let gauge = spool.gauge
        if !gauge.isFull {
            handle.content.paid()
        } else if let debt = handle.content.debt(with: source.count) {
            return .parked(roomFirst(for: handle.content, since: debt))
        }
        try prepareChange(through: handle, size: offset &+ Int64(source.count))
        let count = try handle.content.write(source, at: offset, through: handle, by: thread)
        guard gauge.isPressed else { return .written(count) }
        uploads.post(.pressed)
        return gauge.isFull ? .parked(room(for: handle.content, after: count)) : .written(count)
    }
}

/// The spool is full: a writer is held up by leaving its last write unanswered until there is room (P4).
extension FileSystem {
    /// A signal ends the wait: that write is done, and the next one waits again.
    private func room(for content: Content, after count: Int) -> Waiter {
        // Not an error when the mount goes away: the bytes are here, and who is told EIO closes what is cut off. But
        // who writes on then is held up to the end.
        Waiter(
            interrupted: .success(.written(count)), ended: .success(.written(count)), isHeldAtEnd: true
        ) { [self] answer in
            wait(for: content, since: content.heldUpSince, .success(.written(count)), owing: count, answer)
        }
    }

    /// Signals have ended so many waits that no more is stored without room: a program with a timer would fill the
    /// disk write by write. Nothing of this one is, so it gets EINTR.
    private func roomFirst(for content: Content, since: Duration) -> Waiter {
        Waiter(interrupted: .failure(.interrupted), isHeldAtEnd: true) { [self] answer in
            wait(for: content, since: since, .failure(.interrupted), owing: 0, answer)
        }
    }

    /// - Parameters:
    ///   - since: when the wait began that a signal has ended; nil: now.
    ///   - owing: bytes that were stored though there was no room, should a signal end this wait as well.
    private func wait(
        for content: Content, since: Duration?, _ outcome: Waiter.Outcome, owing count: Int,
        _ answer: @escaping Waiter.Answer
    ) -> @Sendable () -> Void {
        let wait = uploads.whenRoom(since: since) { failure in
            content.paid()
            if let failure {
                content.ranOutOfRoom(failure)
                answer(.failure(.noSpace))
            } else {
                answer(outcome)
            }
        }
        return { [uploads] in
            if uploads.cancelRoom(wait) { content.owe(count, since: wait.since) }
        }
    }
}
