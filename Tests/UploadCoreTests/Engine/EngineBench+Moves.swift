import TestSupport
import UploadCore

/// What the filesystem does to published files, as `FileSystem+Moving` has it.
extension EngineBench {
    /// A file that is published.
    func publish(_ name: String, number: Int64, _ bytes: [UInt8]) async throws -> Writer {
        let writer = try create(name, number: number)
        try write(writer, bytes, at: 0)
        try close(writer)
        _ = await settled(writer.file)
        return writer
    }

    func rename(_ writer: Writer, to name: String) throws {
        let new = try UploadPath(name)
        let old = try names.path(of: writer.file)
        names.set(writer.file, new)
        if let owed = try journal.owedMove(of: writer.file), let old {
            try journal.apply(
                (owed.object.path == new ? [.placed(writer.file, at: owed.object)] : [])
                    + [.oweDeletion(ObjectReference(path: old), successor: writer.file)])
        } else if let old {
            try journal.apply([.oweMove(writer.file, try object(of: writer, at: old))])
        }
        front.post(.owed(writer.file))
    }

    func unlink(_ writer: Writer) throws {
        guard let path = try names.path(of: writer.file) else { return }
        names.set(writer.file, nil)
        if try journal.owedMove(of: writer.file) != nil {
            try journal.apply([.abandonMove(writer.file), .oweDeletion(ObjectReference(path: path))])
        } else {
            try journal.apply([.oweDeletion(try object(of: writer, at: path))])
        }
        front.post(.removed(writer.file))
        front.post(.owed(writer.file))
    }

    private func object(of writer: Writer, at path: UploadPath) throws -> ObjectReference {
        let receipt = try journal.newestUpload(of: writer.file)?.receipt
        return ObjectReference(path: path, url: receipt?.url, size: receipt?.size)
    }

    /// Returns when all that was promised is done.
    /// - Parameter step: how far the clock moves each time that it is not yet; nil: it stands.
    func untilNothingIsOwed(advancing step: Duration? = nil) async throws {
        while try !journal.owedMoves(after: 0).isEmpty {
            if let step { clock.advance(by: step) }
            await Task.yield()
        }
    }

    /// Returns when the engine knows of all that was posted.
    func untilKnown() async {
        await withCheckedContinuation { continuation in front.post(.marked { continuation.resume() }) }
    }

    /// Returns when just these objects are published.
    func untilPublished(exactly objects: [String: [UInt8]]) async {
        while await self.objects != objects { await Task.yield() }
    }

    /// What is published, by name.
    var objects: [String: [UInt8]] {
        get async {
            Dictionary(uniqueKeysWithValues: await destination.objects.map { ($0.key.text, $0.value.bytes) })
        }
    }
}
