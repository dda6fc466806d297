/// `.uploadfs/status`: what is happening, for people.
package enum StatusTable {
    private static let barWidth = 20

    package static func render(_ overview: StatusOverview) -> String {
        var lines = [
            "uploadfs \(UploadCore.version)  →  \(overview.destination)  running "
                + DurationFormat.text(
                    .nanoseconds(max(0, overview.taken.nanoseconds - overview.started.nanoseconds))),
            totals(overview),
        ]
        if let spool = overview.spool { lines.append(Self.spool(spool)) }
        if let stoppage = overview.stoppage {
            let next = stoppage.until.map { until in
                let left = Duration.nanoseconds(max(0, until.nanoseconds - overview.taken.nanoseconds))
                return " Asked again in \(DurationFormat.text(left))."
            }
            lines.append("STOPPED: \(stoppage.reason)\(next ?? "")")
        }
        if let trouble = overview.trouble { lines.append("TROUBLE: \(trouble.reason) \(trouble.remedy)") }
        if let remark = overview.remark { lines.append("NOTE: \(remark)") }
        if let listing = overview.listing { lines += Self.listing(listing) }
        if overview.files.isEmpty {
            lines.append("Nothing is waiting: all is uploaded.")
        } else {
            lines.append("")
            lines.append("PHASE        PROGRESS                     SIZE      RATE       ETA      FILE")
            lines += overview.files.flatMap { file($0, at: overview.taken) }
            if overview.filesNotListed > 0 { lines.append("… and \(overview.filesNotListed) more.") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func totals(_ overview: StatusOverview) -> String {
        let totals = overview.totals
        var parts = ["done \(totals.filesDone) (\(ByteFormat.text(totals.bytesDone)))"]
        for phase in Phase.allCases where phase != .done {
            guard let count = totals.filesByPhase[phase], count > 0 else { continue }
            parts.append("\(phase.rawValue) \(count)")
        }
        parts.append("to go \(ByteFormat.text(totals.bytesPending))")
        parts.append(ByteFormat.rate(totals.rate))
        return parts.joined(separator: "  ·  ")
    }

    private static func spool(_ spool: StatusOverview.Spool) -> String {
        let limit = spool.limit.map { " of \(ByteFormat.text($0))" } ?? ""
        let waiting = spool.waiting > 0 ? ", full: \(spool.waiting) held up until there is room" : ""
        return "spool \(ByteFormat.text(spool.used))\(limit)\(waiting)"
    }

    private static func listing(_ listing: StatusOverview.Listing) -> [String] {
        var lines: [String] = []
        if !listing.directories.isEmpty {
            lines.append("LISTING: " + listing.directories.map { "/" + NameFormat.text($0) }.joined(separator: ", "))
        }
        if let failure = listing.failure {
            lines.append("NOT LISTED: \(failure.reason) \(failure.remedy) What was seen before is shown.")
        }
        if let leftOut = listing.leftOut { lines.append("NOTE: \(leftOut.sentence)") }
        return lines
    }

    private static func file(_ file: FileStatus, at now: Timestamp) -> [String] {
        let filled = Int(file.percent / 100 * Double(barWidth))
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: barWidth - filled)
        let columns: [(String, Int)] = [
            (file.phase.rawValue, 13), ("[\(bar)]", barWidth + 3), (Percent.text(file.percent, digits: 0), 6),
            (ByteFormat.text(file.size), 10), (file.rate >= 1 ? ByteFormat.rate(file.rate) : "-", 11),
            (file.remainingSeconds.map { DurationFormat.text(.seconds($0)) } ?? "-", 9),
        ]
        let action = file.action == .upload ? "" : " (\(file.action.rawValue))"
        var lines = [columns.map { padded($0.0, $0.1) }.joined() + NameFormat.text(file.path) + action]
        if let failure = file.failure {
            var line = "             \(failure.reason) \(failure.remedy)"
            if let next = file.nextAttempt {
                let seconds = max(0, next.nanoseconds - now.nanoseconds)
                line += " Next attempt in \(DurationFormat.text(.nanoseconds(seconds)))."
            }
            lines.append(line)
        }
        return lines
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}

/// Percentages that never say 100 before it is true.
package enum Percent {
    package static func text(_ percent: Double, digits: Int) -> String {
        if percent >= 100 { return digits == 0 ? "100%" : "100.0%" }
        if digits == 0 { return "\(Int(percent))%" }
        let tenths = Int(percent * 10)
        return "\(tenths / 10).\(tenths % 10)%"
    }
}
