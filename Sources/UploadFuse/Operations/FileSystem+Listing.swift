import Logging
import UploadCore

/// `--list`: a directory is listed when somebody looks into it, and its last listing is old. The first time the call
/// waits for that, for a while; later ones get what is known, and the tree follows. A name in a directory that was never
/// listed is asked for by itself: there may be a million others.
extension FileSystem {
    /// To be asked before a directory is read, or a name looked up in it.
    /// - Returns: what is to be waited for first; nil: nothing.
    func look(into inode: UInt64, for bytes: [UInt8]? = nil) throws(FileSystemError) -> Waiter? {
        guard let listing = configuration.listing, let turns, StatusInode(inode) == nil else { return nil }
        let name = bytes.flatMap { try? FileName(bytes: $0) }
        // What can't be a name is not there either.
        guard bytes == nil || name != nil else { return nil }
        if let name, isStatusDirectory(name, in: inode) { return nil }
        let directory = FileID(inode)
        let whole: ListingTurns.Work = { [self] in await list(directory, listing) }
        switch try need(of: directory, for: name, listing) {
        case .nothing: return nil
        case .refreshment:
            turns.ask(.directory(directory), isAwaited: false, whole)
            return nil
        case .listing: return wait(for: .directory(directory), turns, whole)
        case .name(let name):
            let waiter = wait(for: .name(name, in: directory), turns) { [self] in
                await find(name, in: directory, listing)
            }
            // The next one is going to be asked for soon.
            turns.ask(.directory(directory), isAwaited: false, whole)
            return waiter
        }
    }

    private func wait(
        for subject: ListingTurns.Subject, _ turns: ListingTurns, _ work: @escaping ListingTurns.Work
    ) -> Waiter? {
        guard let patience = turns.ask(subject, isAwaited: true, work) else { return nil }
        return Waiter { answer in
            turns.wait(for: subject, atMost: patience) { answer(.success(.carryOn)) }
        }
    }

    private enum Need: Sendable {
        case nothing
        /// What is known is old.
        case refreshment
        /// It was never listed.
        case listing
        /// It was never listed, and that name is not known.
        case name(FileName)
    }

    private func need(
        of directory: FileID, for name: FileName?, _ listing: ListingConfiguration
    ) throws(FileSystemError) -> Need {
        let moment = now()
        return try namespace.locked { tree throws(FileSystemError) -> Need in
            let node = try tree.node(directory)
            guard node.record.kind == .directory, !node.isUnlinked else { return .nothing }
            if let last = node.record.lookedInto {
                // Also when the clock was set back.
                let isOld = last > moment || last.advanced(by: listing.refresh) <= moment
                return isOld ? .refreshment : .nothing
            }
            guard let name else { return .listing }
            return try tree.child(name, of: directory) == nil ? .name(name) : .refreshment
        }
    }

    // MARK: Listing

    private enum ListingFailure: Error {
        case destination(DestinationError)
        case here(FileSystemError)
    }

    private struct BegunListing: Sendable {
        let path: UploadPath
        let number: Int64
        let moment: Timestamp
    }

    /// - Returns: whether it went well, or nothing is wrong with the destination.
    private func list(_ directory: FileID, _ listing: ListingConfiguration) async -> Bool {
        do throws(ListingFailure) {
            // Gone meanwhile.
            guard let begun = try begin(directory) else { return true }
            listing.board.began(begun.path)
            defer { listing.board.ended(begun.path) }
            let leftOut = try await merge(all: directory, begun, listing)
            listing.board.succeeded(begun.path, leftOut: leftOut)
            if let leftOut {
                explainOnce(
                    "some of what lies at the destination can't be shown",
                    metadata: ["reason": "\(leftOut.sentence)"])
            }
            return true
        } catch {
            return failed(error, listing.board)
        }
    }

    /// As `list`, of one name.
    private func find(_ name: FileName, in directory: FileID, _ listing: ListingConfiguration) async -> Bool {
        do throws(ListingFailure) {
            guard let begun = try begin(directory) else { return true }
            let entries = try await asked(listing) { () async throws(DestinationError) in
                try await listing.source.find(name, in: begun.path)
            }
            do throws(FileSystemError) {
                _ = try merge(entries[...], into: directory, listing: begun.number)
            } catch {
                throw .here(error)
            }
            listing.board.answered()
            return true
        } catch {
            return failed(error, listing.board)
        }
    }

    private func failed(_ failure: ListingFailure, _ board: ListingBoard) -> Bool {
        switch failure {
        case .destination(.cancelled), .here(.ending), .here(.notFound): return true
        case .destination(let error):
            let sentences = FailureSentences.listing(error)
            guard board.failed(sentences) else { return false }
            logger.warning(
                "The destination could not be listed: what was seen of it before is shown.",
                metadata: [
                    "code": "\(sentences.code)", "reason": "\(sentences.reason)", "remedy": "\(sentences.remedy)",
                ])
            return false
        case .here(let error):
            note(error, in: "list")
            return false
        }
    }

    private func begin(_ directory: FileID) throws(ListingFailure) -> BegunListing? {
        do throws(FileSystemError) {
            return try namespace.locked { tree throws(FileSystemError) -> BegunListing? in
                guard let path = try tree.path(of: directory) else { return nil }
                let number = try journalled { () throws(JournalError) in try journal.lastListing() } + 1
                try namespace.journalled([.listingBegan(number)])
                return BegunListing(path: path, number: number, moment: now())
            }
        } catch .notFound {
            return nil
        } catch {
            throw .here(error)
        }
    }

    private func merge(
        all directory: FileID, _ begun: BegunListing, _ listing: ListingConfiguration
    ) async throws(ListingFailure) -> StatusOverview.Listing.LeftOut? {
        var isChanged = false
        var leftOut: (count: Int, example: String)?
        var mark: ListingMark?
        repeat {
            let last = mark
            let page = try await asked(listing) { () async throws(DestinationError) in
                try await listing.source.list(begun.path, after: last)
            }
            var names = page.leftOut
            do throws(FileSystemError) {
                for start in stride(from: 0, to: page.entries.count, by: Self.lot) {
                    guard !Task.isCancelled else { throw .ending }
                    let lot = page.entries[start..<min(start + Self.lot, page.entries.count)]
                    let merged = try merge(lot, into: directory, listing: begun.number)
                    isChanged = isChanged || merged.isChanged
                    names += merged.leftOut.map { begun.path.appending($0).text }
                    // The engine is to have its turn.
                    await Task.yield()
                }
            } catch {
                throw .here(error)
            }
            if let first = names.first { leftOut = ((leftOut?.count ?? 0) + names.count, leftOut?.example ?? first) }
            mark = page.next
        } while mark != nil
        do throws(FileSystemError) {
            if try await vanish(from: directory, before: begun.number) { isChanged = true }
            try looked(into: directory, at: begun.moment, isChanged: isChanged)
        } catch {
            throw .here(error)
        }
        return leftOut.map {
            StatusOverview.Listing.LeftOut(directory: begun.path, count: $0.count, example: $0.example)
        }
    }

    /// With quick retries: a listing of many pages is not to begin anew for one of them.
    private func asked<Answer: Sendable>(
        _ listing: ListingConfiguration, _ request: @Sendable () async throws(DestinationError) -> Answer
    ) async throws(ListingFailure) -> Answer {
        let policy = RetryPolicy()
        var attempt = 0
        while true {
            do throws(DestinationError) {
                return try await request()
            } catch {
                attempt += 1
                let random = Double.random(in: 0..<1)
                guard let delay = policy.quickDelay(attempt: attempt, error: error, random: random),
                    (try? await listing.clock.sleep(for: delay)) != nil
                else { throw .destination(error) }
            }
        }
    }
}
