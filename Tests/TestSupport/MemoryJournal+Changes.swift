import UploadCore

extension MemoryJournal.State {
    /// The same rules as SQLiteJournal's: twice is once, and what is gone is left alone.
    mutating func apply(_ change: JournalChange) throws(JournalError) {
        switch change {
        case .insertNode(let node):
            guard nodes[node.file] == nil else { return }
            try claim(node.name, in: node.parent, for: node.file)
            nodes[node.file] = node
            highest.file = max(highest.file, node.file)
            if let version = node.version { highest.version = max(highest.version, version) }
        case .updateNode(let node):
            guard var known = nodes[node.file] else { return }
            known.attributes = node.attributes
            known.size = node.size
            known.version = node.version
            known.isPublished = node.isPublished
            known.names = node.names
            known.declined = node.declined
            known.given = node.given
            nodes[node.file] = known
            if let version = node.version { highest.version = max(highest.version, version) }
        case .moveNode(let file, let parent, let name):
            guard nodes[file] != nil else { return }
            try claim(name, in: parent, for: file)
            nodes[file]?.parent = parent
            nodes[file]?.name = name
            if nodes[file]?.listed != nil { nodes[file]?.listed = lastListing }
        case .exchangeNodes(let one, let other):
            for place in [one, other] where nodes[place.file] != nil { nodes[place.file]?.name = nil }
            for place in [one, other] where nodes[place.file] != nil {
                try claim(place.name, in: place.parent, for: place.file)
                nodes[place.file]?.parent = place.parent
                nodes[place.file]?.name = place.name
                if nodes[place.file]?.listed != nil { nodes[place.file]?.listed = lastListing }
            }
        case .removeNode(let file):
            guard !nodes.values.contains(where: { $0.parent == file || $0.hardLinkOf == file }) else {
                throw .database(code: 787, message: "FOREIGN KEY constraint failed")
            }
            nodes[file] = nil
            attributes[file] = nil
        case .setExtendedAttribute(let file, let name, let value):
            if nodes[file] != nil { attributes[file, default: [:]][name] = value }
        case .listingBegan(let listing):
            lastListing = max(lastListing, listing)
        case .listed(let files, let listing):
            for file in files {
                guard let known = nodes[file] else { continue }
                nodes[file]?.listed = max(known.listed ?? listing, listing)
            }
        case .tagged(let file, let tag):
            if nodes[file]?.kind == .file { nodes[file]?.tag = tag }
        case .lookedInto(let directory, let moment):
            if nodes[directory]?.kind == .directory { nodes[directory]?.lookedInto = moment }
        case .insertUpload(let upload):
            if uploads[upload.version] == nil { uploads[upload.version] = upload }
            highest.version = max(highest.version, upload.version)
        case .closed(let version, let size, let time):
            uploads[version]?.closedSize = size
            uploads[version]?.closed = time
            uploads[version]?.phase = .queued
            uploads[version]?.failure = nil
        case .reopened(let version):
            uploads[version]?.closedSize = nil
            uploads[version]?.closed = nil
            uploads[version]?.finished = nil
            uploads[version]?.phase = .receiving
            uploads[version]?.failure = nil
        case .lapsed(let version, let close):
            guard uploads[version]?.closed == close, uploads[version]?.phase != .done else { return }
            uploads[version]?.closedSize = nil
            uploads[version]?.closed = nil
            uploads[version]?.phase = .receiving
        case .durable(let version, let close):
            if uploads[version]?.closed == close { uploads[version]?.durable = close }
        case .evicted(let version):
            if uploads[version]?.phase == .done { uploads[version]?.isSpooled = false }
        case .released(let version, let indexes):
            for index in indexes where chunks[version]?[index] != nil {
                released[version, default: RangeSet()].insert(contentsOf: index..<index + 1)
            }
        case .setPhase(let version, let phase, let failure, let retries, let close):
            guard close == nil || uploads[version]?.closed == close else { return }
            uploads[version]?.phase = phase
            uploads[version]?.failure = failure
            uploads[version]?.retries = retries
        case .setSession(let version, let session):
            guard let upload = uploads[version], upload.session != session else { return }
            uploads[version]?.session = session
            forgetChunks(of: version)
        case .stored(let version, let chunk, let close):
            if let upload = uploads[version], upload.closed == nil || upload.closed == close {
                chunks[version, default: [:]][chunk.index] = chunk
            }
        case .unstored(let version, let indexes):
            for index in indexes { chunks[version]?[index] = nil }
        case .published(let version, let receipt, let time, let close):
            guard let upload = uploads[version] else { return }
            guard close == nil || upload.closed == close else {
                return try apply(.publishedEarlier(version, receipt, at: time))
            }
            if upload.finished == nil { count(version, receipt, at: time) }
            uploads[version]?.phase = .done
            uploads[version]?.finished = time
            uploads[version]?.failure = nil
            settle(upload, receipt, at: time)
        case .publishedEarlier(let version, let receipt, let time):
            guard let upload = uploads[version] else { return }
            count(version, receipt, at: time)
            settle(upload, receipt, at: time)
        case .removeUpload(let version):
            uploads[version] = nil
            released[version] = nil
            published[version] = nil
            chunks[version] = nil
        case .oweMove(let file, let object):
            if !moves.values.contains(where: { $0.file == file }) { owe(object, file) }
        case .oweDeletion(let object, let successor):
            if !moves.values.contains(where: { $0.object.path == object.path }) { owe(object, nil, successor) }
        case .abandonMove(let file, let successor):
            abandonMove(of: file, successor, nil)
        case .placed(let file, let object, let sourceTag):
            place(file, at: object, sourceTag)
        case .moveDone(let number):
            moves[number] = nil
        case .setMoveFailure(let number, let failure):
            if let move = moves[number] {
                moves[number] = OwedMove(
                    number: number, object: move.object, file: move.file, successor: move.successor, failure: failure)
            }
        case .oweAbort(let session):
            owed.insert(session)
        case .abortDone(let session):
            owed.remove(session)
        case .intend(let intention):
            if intentions[intention.number] == nil { intentions[intention.number] = intention }
        case .intentionEnded(let number):
            intentions[number] = nil
        case .setFact(let name, let value):
            facts[name] = value
        }
    }

    private func claim(_ name: FileName?, in parent: FileID, for file: FileID) throws(JournalError) {
        guard nodes[parent] != nil else { throw .database(code: 787, message: "FOREIGN KEY constraint failed") }
        if nodes.values.contains(where: { $0.parent == parent && $0.name == name && $0.file != file }) {
            throw .database(code: 2067, message: "UNIQUE constraint failed: node.parent, node.name")
        }
    }

    /// What has left the spool stays marked.
    private mutating func forgetChunks(of version: VersionID) {
        let marked = released[version] ?? RangeSet()
        chunks[version] = (chunks[version] ?? [:]).filter { marked.contains($0.key) }
    }

    private mutating func count(_ version: VersionID, _ receipt: PublishReceipt, at time: Timestamp) {
        guard published[version] != time else { return }
        finished.files += 1
        finished.bytes += receipt.size
    }

    private mutating func settle(_ upload: UploadRecord, _ receipt: PublishReceipt, at time: Timestamp) {
        uploads[upload.version]?.session = nil
        uploads[upload.version]?.receipt = receipt
        published[upload.version] = time
        forgetChunks(of: upload.version)
        nodes[upload.file]?.isPublished = true
        nodes[upload.file]?.tag = nil
        if nodes[upload.file] != nil { nodes[upload.file]?.listed = lastListing }
    }
}
