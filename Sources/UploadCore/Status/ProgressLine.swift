/// `.uploadfs/progress/PATH`: one line for one file.
package enum ProgressLine {
    /// For example `42.0% 12582912/29959168 B 5.0 MB/s ETA 4s uploading retries=0 error=none`: percent,
    /// bytes acknowledged and total, rate, time to go, phase, requests sent again, last error.
    package static func render(_ status: FileStatus) -> String {
        [
            Percent.text(status.percent, digits: 1),
            "\(status.acknowledged)/\(status.size) B",
            ByteFormat.rate(status.rate),
            "ETA \(status.phase == .done ? "0s" : status.remainingSeconds.map { DurationFormat.text(.seconds($0)) } ?? "-")",
            status.phase.rawValue,
            "retries=\(status.retries)",
            "error=\(status.failure.map { "\($0.code): \($0.reason)" } ?? "none")",
        ].joined(separator: " ") + "\n"
    }
}
