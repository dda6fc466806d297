/// The whole queue at one moment.
package struct StatusOverview: Sendable {
    /// When it was made.
    package var taken: Timestamp
    package var started: Timestamp
    /// Who serves the mount: a process number.
    package var process: Int32
    /// The destination as a person may see it: no credentials in it.
    package var destination: String
    package var totals: Totals
    /// Files that are not done or cancelled: those first that move or need somebody, each group oldest first. Not
    /// more than were asked for.
    package var files: [FileStatus]
    /// How many more there are.
    package var filesNotListed: Int { max(0, totals.filesByPhase.values.reduce(0, +) - files.count) }
    /// Why the whole queue stands still, when it does.
    package var stoppage: Stoppage?
    /// What does not work on this machine, when something does not.
    package var trouble: Failure?
    /// What is worth knowing of the destination, though all goes well.
    package var remark: String?
    package var spool: Spool?
    /// nil: it is not asked what lies there.
    package var listing: Listing?

    /// How full the spool is.
    package struct Spool: Sendable, Hashable {
        /// Bytes on the disk.
        package var used: Int64
        /// Bytes; nil: none.
        package var limit: Int64?
        /// Writers that wait for room.
        package var waiting: Int

        package init(used: Int64, limit: Int64?, waiting: Int) {
            self.used = used
            self.limit = limit
            self.waiting = waiting
        }
    }

    package struct Totals: Sendable, Hashable {
        /// Versions published since the state directory was made, and their bytes.
        package var filesDone = 0
        package var bytesDone: Int64 = 0
        /// How many files stand in each phase.
        package var filesByPhase: [Phase: Int] = [:]
        /// Bytes of files under way that the destination has not acknowledged.
        package var bytesPending: Int64 = 0
        /// Since this process started.
        package var bytesSent: Int64 = 0
        package var bytesWritten: Int64 = 0
        package var requests: [String: Int] = [:]
        package var requestsFailed: [String: Int] = [:]
        package var retries = 0
        package var connections = 0
        /// Bytes per second, over the last seconds.
        package var rate: Double = 0

        package init() {}
    }

    package struct Stoppage: Sendable, Hashable {
        package var reason: String
        /// When it is tried again; nil: when somebody says so.
        package var until: Timestamp?

        package init(reason: String, until: Timestamp?) {
            self.reason = reason
            self.until = until
        }
    }

    package init(
        taken: Timestamp, started: Timestamp, process: Int32, destination: String, totals: Totals, files: [FileStatus],
        stoppage: Stoppage? = nil, trouble: Failure? = nil
    ) {
        self.trouble = trouble
        self.taken = taken
        self.started = started
        self.process = process
        self.destination = destination
        self.totals = totals
        self.files = files
        self.stoppage = stoppage
    }
}
