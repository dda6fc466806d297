/// What people read about a failure: a stable code, what happened, and what mends it.
package enum FailureSentences {
    package static func failure(for error: DestinationError) -> Failure {
        switch error {
        case .unreachable(let cause): unreachable(cause)
        case .broken(let cause): broken(cause)
        case .busy(507, _):
            Failure(
                code: "destination-full", reason: "The destination has no room left (HTTP 507).",
                remedy: "Make room at the destination; it is tried again by itself.")
        case .busy(let status, _):
            Failure(
                code: "busy", reason: "The destination can't take it now (HTTP \(status)).",
                remedy: "Nothing: it is tried again by itself.")
        case .damaged:
            Failure(
                code: "damaged", reason: "What arrived was not what was sent: the digests differ.",
                remedy: "It is sent again by itself. If this stays, look for faulty memory, disks or proxies.")
        case .sessionLost:
            Failure(
                code: "session-lost", reason: "The destination no longer knows the unfinished upload.",
                remedy: "Nothing: it is begun again from the spool.")
        case .missing(let indexes):
            Failure(
                code: "incomplete", reason: "The destination lacks \(indexes.count) of its chunks.",
                remedy: "Nothing: they are sent again.")
        case .unauthorized(let status):
            Failure(
                code: "unauthorized", reason: "The destination does not accept our credentials (HTTP \(status)).",
                remedy: "Put a valid token into the token file (or UPLOADFS_TOKEN, and mount again); for S3, valid "
                    + "keys into the profile (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and mount again).")
        case .noCredentials(let detail):
            Failure(code: "no-credentials", reason: detail, remedy: "It is tried again by itself.")
        case .forbidden(let status, let detail):
            Failure(
                code: "forbidden", reason: "Our credentials do not allow this there (HTTP \(status)): \(detail)",
                remedy: "Have the right granted that it lacks; it is tried again by itself.")
        case .rejected(let rejection): rejected(rejection)
        case .source(let error): spool(error)
        case .journal(let error): journal(error)
        case .malformed(let detail):
            Failure(
                code: "malformed", reason: "The destination gave an answer that its protocol does not have: \(detail)",
                remedy: "Check that the URL names an upload server, and no proxy's or router's page.")
        case .cancelled:
            Failure(code: "cancelled", reason: "It was cancelled.", remedy: "Nothing.")
        }
    }

    private static func unreachable(_ cause: DestinationError.Unreachable) -> Failure {
        switch cause {
        case .unresolved(let host):
            Failure(
                code: "unresolved", reason: "The name \"\(host)\" does not resolve.",
                remedy: "Check the destination's spelling and this machine's DNS; it is tried again by itself.")
        case .refused:
            Failure(
                code: "refused", reason: "Nobody listens at the destination's address (connection refused).",
                remedy: "Start the server, or check the port; it is tried again by itself.")
        case .timedOut:
            Failure(
                code: "timeout", reason: "The destination does not answer (connection timed out).",
                remedy: "Check the network; it is tried again by itself.")
        case .untrusted(let detail):
            Failure(
                code: "untrusted", reason: "The destination's TLS certificate is not trusted: \(detail)",
                remedy: "Install its certificate authority on this machine.")
        case .other(let detail):
            Failure(
                code: "unreachable", reason: "The destination can't be reached: \(detail)",
                remedy: "Check the network; it is tried again by itself.")
        }
    }

    private static func broken(_ cause: DestinationError.Breakage) -> Failure {
        let what =
            switch cause {
            case .reset: "was reset"
            case .stalled: "stood still for too long"
            case .truncated: "ended in the middle of an answer"
            case .other(let detail): "failed: \(detail)"
            }
        return Failure(
            code: "connection", reason: "The connection \(what).", remedy: "Nothing: it is tried again by itself.")
    }

    private static func rejected(_ rejection: Rejection) -> Failure {
        switch rejection.cause {
        case .tooLarge(let limit):
            tooLarge(limit: limit, detail: rejection.detail)
        case .typeRefused:
            Failure(
                code: "type-refused", reason: "The destination does not take this type of file: \(rejection.detail)",
                remedy: "Remove the file here, or have the type allowed there and write it again.")
        case .nameRefused:
            Failure(
                code: "name-refused", reason: "The destination does not take this name: \(rejection.detail)",
                remedy: "Rename the file.")
        case .conflict:
            Failure(
                code: "conflict", reason: "Something else has this name at the destination: \(rejection.detail)",
                remedy: "Rename the file, or remove what is in the way there.")
        case .changed, .gone, .other:
            Failure(
                code: "refused-\(rejection.status)",
                reason: "The destination refused it (HTTP \(rejection.status)): \(rejection.detail)",
                remedy: "Mend what it says, then write the file again; or remove it here.")
        }
    }

    /// - Parameter limit: bytes, where it is known.
    package static func tooLarge(limit: Int64?, detail: String = "") -> Failure {
        Failure(
            code: "too-large",
            reason: limit.map { "It is over the destination's limit of \(ByteFormat.text($0)) (\($0) bytes)." }
                ?? "It is over the destination's size limit. \(detail)",
            remedy: "Remove the file here, or have the limit raised there and write it again.")
    }

    /// The file that a link leads to was published from a stream, or has made room since.
    package static let notHereForName = Failure(
        code: "name-not-here",
        reason: "What the file has that this name leads to is not all in the spool, so it can't be sent once more.",
        remedy: "Write that file again, with a bigger --spool-limit if it passed through.")

    /// What was closed for a name, and not published yet, was changed after its file had lost its own name.
    package static let changedUnderName = Failure(
        code: "name-changed",
        reason: "The file that this name leads to was removed, and changed by who had it open, before it was sent.",
        remedy: "Write it again.")

    /// A further name of a file is to be published with the file's last close, and could not be made ready for that.
    package static func nameNotGiven(_ error: SpoolError) -> Failure {
        Failure(
            code: "name-not-given",
            reason: "What was closed could not be taken over for this name of the file. \(spool(error).reason)",
            remedy: "Mend that and retry it (\"retry PATH\" to .uploadfs/control); the next mount does it by itself.")
    }

    package static func spool(_ error: SpoolError) -> Failure {
        switch error {
        case .noSpace:
            Failure(
                code: "no-space", reason: "The disk that holds the spool is full.",
                remedy: "Make room below the state directory, then write the file again.")
        case .missing:
            Failure(
                code: "spool-missing", reason: "Its bytes are no longer in the spool.",
                remedy: "Write the file again. Nothing but uploadfs may change its state directory.")
        case .short(_, let size, let closed):
            Failure(
                code: "spool-short", reason: "The spool has only \(size) of its \(closed) bytes.",
                remedy: "Write the file again. Check the disk below the state directory; nobody else may change it.")
        case .exhausted(let call, let errno):
            Failure(
                code: "exhausted", reason: "This machine is short of descriptors or memory (\(call): errno \(errno)).",
                remedy: "Nothing: it is tried again by itself. If this stays, raise the limits (ulimit -n).")
        case .system(let call, let errno):
            Failure(
                code: "spool-\(call)", reason: "The spool's disk failed: \(call) gave errno \(errno).",
                remedy: "Check the disk (dmesg), then write the file again.")
        }
    }

    package static func journal(_ error: JournalError) -> Failure {
        switch error {
        case .noSpace:
            Failure(
                code: "no-space", reason: "The disk that holds the journal is full.",
                remedy: "Make room below the state directory; it is tried again by itself.")
        case .damaged(let message):
            Failure(
                code: "journal-damaged", reason: "The journal is damaged: \(message).",
                remedy: "Unmount and mount again: what is wrong, and what mends it, is said then.")
        case .newer:
            Failure(
                code: "journal-newer", reason: "The journal was written by a newer uploadfs.",
                remedy: "Use that one, or another state directory.")
        case .database(let code, let message):
            Failure(
                code: "journal", reason: "The journal can't be written: \(message) (SQLite \(code)).",
                remedy: "Check the disk below the state directory; it is tried again by itself.")
        }
    }

    /// Of a file that was given up only for the time it took: the next mount tries it again.
    package static let gaveUpCode = "gave-up"

    package static func gaveUp(after time: Duration, last error: DestinationError) -> Failure {
        let last = failure(for: error)
        return Failure(
            code: gaveUpCode, reason: "Tried for \(DurationFormat.text(time)) without success. \(last.reason)",
            remedy: "Mend that, then mount again or write the file again.")
    }

    package static let interrupted = Failure(
        code: "interrupted", reason: "uploadfs ended while this file was being written: nobody closed it.",
        remedy: keptRemedy)

    /// - Parameter signal: its number, as kill(1) takes it.
    package static func writerKilled(program: String, process: Int32, signal: Int32) -> Failure {
        Failure(
            code: "writer-killed",
            reason: "Its writer \(program) (process \(process)) was killed by signal \(signal) before it had finished.",
            remedy: keptRemedy)
    }

    package static let powerLost = Failure(
        code: "power-lost",
        reason: "The machine went down before all of its bytes were known to be on the disk.",
        remedy: keptRemedy)

    package static let releasedLost = Failure(
        code: "released-lost",
        reason: "The destination has lost a part of it that had left the spool to make room.",
        remedy: "Write the file again; with a larger --spool-limit it can be begun again by itself.")

    package static func spoolFull(limit: Int64, after time: Duration) -> Failure {
        Failure(
            code: "spool-full",
            reason: "The spool's quota of \(ByteFormat.text(limit)) was full for \(DurationFormat.text(time)).",
            remedy: "See why nothing goes up (.uploadfs/status), or raise --spool-limit; then write the file again.")
    }

    /// The journal's words stay in memory only as long as the machine runs.
    package static func unkept(_ error: JournalError) -> Failure {
        Failure(
            code: journalNotKept.code, reason: journalNotKept.reason + " " + journal(error).reason,
            remedy: journalNotKept.remedy)
    }

    package static let journalNotKept = Failure(
        code: "journal-not-kept",
        reason: "The disk below the state directory does not take the journal: a power loss would undo what was "
            + "written since, and no room can be made in the spool.",
        remedy: "Look for its errors in the kernel's log (dmesg), mend or replace it, and mount again.")

    package static let rewrittenReleased = Failure(
        code: "rewritten-released",
        reason: "A part was written again that had been uploaded and had left the spool to make room.",
        remedy: "Write the file again with a --spool-limit that it fits into.")

    private static let keptRemedy =
        "Write it again. Or publish it as it is (\"release PATH\" to .uploadfs/control), or discard it (\"discard PATH\")."

    package static func typeRefused(_ type: String) -> Failure {
        Failure(
            code: "type-refused", reason: "Its first bytes say that it is \(type), which is not taken.",
            remedy: "Write a file of another type, or allow this one (--allow-type), here and at the destination.")
    }

    /// A write was refused, and the writer knows.
    package static func writtenTooLarge(limit: Int64) -> Failure {
        Failure(
            code: "too-large", reason: "The file grew beyond \(limit) bytes, the most that is allowed.",
            remedy: "Write a smaller file, or raise --max-file-size if the destination takes larger ones.")
    }
}
