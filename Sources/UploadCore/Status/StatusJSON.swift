internal import FoundationEssentials

/// `.uploadfs/status.json`: the whole queue, for programs.
package enum StatusJSON {
    /// Rises when a field changes its meaning or goes away; new fields may come at any time.
    package static let schema = 1

    package static func render(_ overview: StatusOverview) -> String {
        JSONText.encode(
            Document(
                schema: schema, version: UploadCore.version, time: TimeFormat.text(overview.taken),
                started: TimeFormat.text(overview.started), pid: overview.process, destination: overview.destination,
                stopped: overview.stoppage.map {
                    Document.Stoppage(reason: $0.reason, until: $0.until.map(TimeFormat.text))
                },
                trouble: overview.trouble.map(FailureDocument.init), remark: overview.remark,
                spool: overview.spool.map {
                    Document.Spool(used: $0.used, limit: $0.limit, writersWaiting: $0.waiting)
                },
                listing: overview.listing.map(ListingDocument.init), totals: Document.Totals(overview.totals),
                files: overview.files.map(FileDocument.init),
                filesNotListed: overview.filesNotListed))
    }

    private struct Document: Encodable {
        let schema: Int
        let version: String
        let time: String
        let started: String
        let pid: Int32
        let destination: String
        let stopped: Stoppage?
        let trouble: FailureDocument?
        let remark: String?
        let spool: Spool?
        let listing: ListingDocument?
        let totals: Totals
        let files: [FileDocument]
        let filesNotListed: Int

        struct Stoppage: Encodable {
            let reason: String
            let until: String?
        }

        struct Spool: Encodable {
            let used: Int64
            let limit: Int64?
            let writersWaiting: Int
        }

        struct Totals: Encodable {
            let filesDone: Int
            let bytesDone: Int64
            let filesByPhase: [String: Int]
            let bytesPending: Int64
            let bytesSent: Int64
            let bytesWritten: Int64
            let rate: Double
            let retries: Int
            let connections: Int

            init(_ totals: StatusOverview.Totals) {
                filesDone = totals.filesDone
                bytesDone = totals.bytesDone
                filesByPhase = Dictionary(
                    uniqueKeysWithValues: totals.filesByPhase.map { ($0.key.rawValue, $0.value) })
                bytesPending = totals.bytesPending
                bytesSent = totals.bytesSent
                bytesWritten = totals.bytesWritten
                rate = totals.rate
                retries = totals.retries
                connections = totals.connections
            }
        }
    }
}

/// `--list`, as `status.json` tells of it.
private struct ListingDocument: Encodable {
    /// "" is the mount's own.
    let directories: [String]
    let error: FailureDocument?
    let leftOut: LeftOut?

    struct LeftOut: Encodable {
        let directory: String
        let count: Int
        let example: String
    }

    init(_ listing: StatusOverview.Listing) {
        directories = listing.directories.map(\.text)
        error = listing.failure.map(FailureDocument.init)
        leftOut = listing.leftOut.map {
            LeftOut(directory: $0.directory.text, count: $0.count, example: $0.example)
        }
    }
}

/// `.uploadfs/detail/PATH`: everything about one file.
package enum DetailJSON {
    package static func render(_ status: FileStatus, now: Timestamp) -> String {
        JSONText.encode(
            Document(schema: StatusJSON.schema, time: TimeFormat.text(now), file: FileDocument(status)))
    }

    private struct Document: Encodable {
        let schema: Int
        let time: String
        let file: FileDocument

        func encode(to encoder: any Encoder) throws {
            // One object: the file's fields beside these two.
            try file.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(schema, forKey: .schema)
            try container.encode(time, forKey: .time)
        }

        enum Key: CodingKey {
            case schema, time
        }
    }
}

/// One file as both documents write it.
struct FileDocument: Encodable {
    let path: String
    let phase: String
    let phases: [PhaseDocument]
    let contentType: String
    let size: Int64
    let closed: Bool
    let acknowledged: Int64
    let inFlight: Int64
    let percent: Double
    let rate: Double
    let eta: Double?
    let chunks: ChunksDocument
    let retries: Int
    let nextAttempt: String?
    let error: FailureDocument?
    let readError: FailureDocument?
    let url: String?
    let digest: String?
    /// nil: an upload.
    let action: String?

    struct PhaseDocument: Encodable {
        let phase: String
        let entered: String
    }

    struct ChunksDocument: Encodable {
        let stored: Int
        let total: Int
        let size: Int64
    }

    init(_ status: FileStatus) {
        path = status.path.text
        phase = status.phase.rawValue
        phases = status.phases.map {
            PhaseDocument(phase: $0.phase.rawValue, entered: TimeFormat.text($0.entered))
        }
        contentType = status.contentType
        size = status.size
        closed = status.isClosed
        acknowledged = status.acknowledged
        inFlight = status.inFlight
        percent = (status.percent * 10).rounded(.down) / 10
        rate = status.rate.rounded()
        eta = status.remainingSeconds.map { $0.rounded(.up) }
        chunks = ChunksDocument(stored: status.chunksStored, total: status.chunksTotal, size: status.chunkSize)
        retries = status.retries
        nextAttempt = status.nextAttempt.map(TimeFormat.text)
        error = status.failure.map(FailureDocument.init)
        readError = status.readFailure.map(FailureDocument.init)
        url = status.receipt?.url
        digest = status.receipt?.digest
        action = status.action == .upload ? nil : status.action.rawValue
    }
}

struct FailureDocument: Encodable {
    let code: String
    let reason: String
    let remedy: String

    init(_ failure: Failure) {
        code = failure.code
        reason = failure.reason
        remedy = failure.remedy
    }
}

/// JSON with sorted keys, so that two documents can be compared by eye and by diff.
enum JSONText {
    static func encode(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
        } catch {
            // Numbers that JSON has no word for are the one thing it refuses.
            return "{\"error\": \"This could not be written as JSON.\"}\n"
        }
    }
}
