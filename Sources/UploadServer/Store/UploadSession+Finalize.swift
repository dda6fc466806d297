import Crypto
import FoundationEssentials
import Glibc
import Synchronization
import UploadCore

/// What a finalize asks for.
struct FinalizeOrder: Sendable {
    let path: UploadPath
    let size: Int64
    /// nil: whatever the chunks make, each of which was checked when it came.
    let digest: ContentDigest?
    let metadata: ObjectMetadata

    /// Byte by byte: Swift calls names equal that Linux does not.
    func isSame(as object: PublishedObject) -> Bool {
        path.text.utf8.elementsEqual(object.name.utf8) && size == object.size
            && (digest.map { $0.hex == object.digest } ?? true)
    }
}

extension UploadSession {
    /// Publishes, or says what is missing. Goes on even when the one who asked is gone; asked again, whether meanwhile
    /// or after a restart, gives the same answer.
    /// - Parameter published: called once, when it is.
    func finalize(
        _ order: FinalizeOrder, publisher: Publisher, published: @escaping @Sendable () -> Void
    ) async throws(StoreError) -> PublishedObject {
        while true {
            switch try enter(order, publisher: publisher, published: published) {
            case .mine(let task): return try await task.value.get()
            case .others(let task): _ = await task.value
            case .done(let object): return object
            }
        }
    }

    private enum Entry {
        case mine(Task<Result<PublishedObject, StoreError>, Never>)
        case others(Task<Result<PublishedObject, StoreError>, Never>)
        case done(PublishedObject)
    }

    private func enter(
        _ order: FinalizeOrder, publisher: Publisher, published: @escaping @Sendable () -> Void
    ) throws(StoreError) -> Entry {
        try state.withLock { state throws(StoreError) in
            switch state.phase {
            case .removed:
                throw .unknownSession
            case .published(let object):
                guard order.isSame(as: object) else { throw .finalizedDifferently }
                return .done(object)
            case .finalizing(let task):
                return .others(task)
            case .open:
                // Whoever still sends a chunk sends one that was acknowledged before: it must not change now.
                state.endLeases()
                let task = Task { await self.perform(order, publisher: publisher, published: published) }
                state.phase = .finalizing(task)
                return .mine(task)
            }
        }
    }

    private func perform(
        _ order: FinalizeOrder, publisher: Publisher, published: @Sendable () -> Void
    ) async -> Result<PublishedObject, StoreError> {
        let result: Result<PublishedObject, StoreError>
        do throws(StoreError) {
            result = .success(try await calls.run { () throws(StoreError) in try self.publish(order, publisher) })
        } catch {
            result = .failure(error)
        }
        state.withLock { state in
            switch result {
            case .success(let object): state.phase = .published(object)
            case .failure: state.phase = .open
            }
        }
        if case .success = result { published() }
        return result
    }

    /// Only ever called while the phase is `finalizing`, so nothing else writes to the session's files.
    private func publish(_ order: FinalizeOrder, _ publisher: Publisher) throws(StoreError) -> PublishedObject {
        let (records, prefix, files) = try state.withLock { state throws(StoreError) in
            (state.records, state.prefix, try openFiles(&state))
        }
        let expected = ExpectedChunks(size: order.size, chunkSize: parameters.chunkSize)
        let missing = expected.missing(from: records)
        guard missing.isEmpty else { throw .missingChunks(missing) }

        // A prefix that was hashed beyond the size now told is of no use.
        var (hasher, hashed) = prefix.bytes <= order.size ? (prefix.hasher, prefix.bytes) : (SHA256(), 0)
        try files.data.hash(hashed..<order.size, into: &hasher)
        let digest = ContentDigest(hasher.finalize())
        if order.digest != digest {
            // Nobody says what the whole must be, or it is not that: each chunk must be what it was when it came.
            try dropDamaged(expected, records, files)
            guard order.digest == nil else { throw .digestMismatch }
        }

        try files.data.truncate(to: order.size)
        let object = PublishedObject(name: order.path.text, size: order.size, digest: digest.hex)
        let content = Publisher.Content(
            file: files.data, directory: files.directory, name: SessionFiles.dataName, size: order.size,
            digest: digest, contentType: parameters.contentType, metadata: order.metadata)
        try publisher.publish(content, as: order.path) { () throws(StoreError) in
            try files.directory.replaceContents(of: SessionFiles.publishedName, with: object)
        }
        // A crash must not leave the data under both names: it would be written to as a session again.
        try files.directory.synchronize()
        return object
    }

    /// The whole is not what the client says. Mostly that is the client's affair; but when a power failure took
    /// bytes that were acknowledged, those chunks have to be sent again, and the client is told which.
    private func dropDamaged(
        _ expected: ExpectedChunks, _ records: [Int: ChunkRecord], _ files: SessionFiles
    ) throws(StoreError) {
        var damaged: [Int] = []
        for index in 0..<expected.count {
            let range = expected.range(of: index)
            if try files.data.digest(of: range) != records[index]?.digest { damaged.append(index) }
        }
        guard !damaged.isEmpty else { return }
        try state.withLock { [damaged] state throws(StoreError) in
            for index in damaged { try state.drop(index, in: files) }
        }
        throw .missingChunks(damaged)
    }
}
