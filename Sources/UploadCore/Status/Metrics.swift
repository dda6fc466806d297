/// `.uploadfs/metrics`: the Prometheus text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
package enum Metrics {
    /// - Parameter inodes: those that the kernel or programs hold; nil: not counted.
    package static func render(_ overview: StatusOverview, inodes: Int? = nil) -> String {
        let totals = overview.totals
        var text = Exposition()
        text.add("uploadfs_build_info", .gauge, "The running version.", [(["version": UploadCore.version], 1)])
        text.add(
            "uploadfs_start_time_seconds", .gauge, "When this mount started, in seconds since 1970.",
            [([:], Double(overview.started.seconds))])
        text.add(
            "uploadfs_files", .gauge, "Files that are not uploaded yet, by the phase they are in.",
            Phase.allCases.filter { $0 != .done && $0 != .cancelled }.map {
                (["phase": $0.rawValue], Double(totals.filesByPhase[$0] ?? 0))
            })
        text.add(
            "uploadfs_files_done_total", .counter, "Files uploaded since the state directory was made.",
            [([:], Double(totals.filesDone))])
        text.add(
            "uploadfs_done_bytes_total", .counter, "Their bytes.", [([:], Double(totals.bytesDone))])
        text.add(
            "uploadfs_written_bytes_total", .counter, "Bytes that programs have written since this mount started.",
            [([:], Double(totals.bytesWritten))])
        text.add(
            "uploadfs_sent_bytes_total", .counter,
            "Bytes that the destination has acknowledged since this mount started, repeated ones too.",
            [([:], Double(totals.bytesSent))])
        text.add(
            "uploadfs_pending_bytes", .gauge, "Bytes that the destination has not acknowledged yet.",
            [([:], Double(totals.bytesPending))])
        text.add(
            "uploadfs_rate_bytes_per_second", .gauge, "Bytes a second, over the last seconds.",
            [([:], totals.rate.rounded())])
        text.add(
            "uploadfs_requests_total", .counter, "Requests made to the destination, by operation.",
            byOperation(totals.requests))
        text.add(
            "uploadfs_requests_failed_total", .counter, "Requests that failed, by operation.",
            byOperation(totals.requestsFailed))
        text.add(
            "uploadfs_retries_total", .counter, "Requests that had to be sent again.", [([:], Double(totals.retries))])
        text.add(
            "uploadfs_requests_in_flight", .gauge, "Requests under way.", [([:], Double(totals.connections))])
        text.add(
            "uploadfs_stopped", .gauge, "1 while the destination does not answer and the queue waits for it.",
            [([:], overview.stoppage == nil ? 0 : 1)])
        if let spool = overview.spool {
            text.add(
                "uploadfs_spool_bytes", .gauge, "Bytes that the spool occupies on the disk.",
                [([:], Double(spool.used))])
            if let limit = spool.limit {
                text.add(
                    "uploadfs_spool_limit_bytes", .gauge, "Bytes that the spool may occupy.", [([:], Double(limit))])
            }
            text.add(
                "uploadfs_spool_waiting_writers", .gauge, "Writers that wait for room in the spool.",
                [([:], Double(spool.waiting))])
        }
        if let inodes {
            text.add(
                "uploadfs_inodes_held", .gauge, "Files and directories that the kernel or programs hold: in memory.",
                [([:], Double(inodes))])
        }
        text.add(
            "uploadfs_troubled", .gauge, "1 while something of this machine does not work; status says what.",
            [([:], overview.trouble == nil ? 0 : 1)])
        return text.lines.joined(separator: "\n") + "\n"
    }

    /// Every operation has a sample from the start, so that a rate can be taken of it.
    private static func byOperation(_ counts: [String: Int]) -> [([String: String], Double)] {
        ["abort", "chunk", "finalize", "init", "probe", "put", "read", "status"].map {
            (["operation": $0], Double(counts[$0] ?? 0))
        }
    }

    private struct Exposition {
        enum Kind: String {
            case counter, gauge
        }

        var lines: [String] = []

        mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [([String: String], Double)]) {
            lines.append("# HELP \(name) \(help)")
            lines.append("# TYPE \(name) \(kind.rawValue)")
            for (labels, value) in samples {
                let written = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }
                let suffix = written.isEmpty ? "" : "{\(written.joined(separator: ","))}"
                lines.append("\(name)\(suffix) \(number(value))")
            }
        }

        private func number(_ value: Double) -> String {
            Int64(exactly: value).map(String.init) ?? "\(value)"
        }
    }
}
