import FoundationEssentials

// What "uploadfs doctor" looks at, each file one thing: facts come in, checks come out (pure); `Commands/DoctorCommand`
// gathers the facts. Nothing here mounts, or needs a state directory.

/// One thing that was looked at.
struct DoctorCheck: Sendable, Hashable, Encodable {
    enum Level: String, Sendable, Encodable {
        case ok
        /// Uploads work; something else may not.
        case warn
        case fail
    }

    let level: Level
    let name: String
    /// A sentence or two: what is there, and what does not work.
    let says: String
    /// What mends it: commands, or a sentence.
    let remedy: [String]
    /// The exit code of a failure.
    let code: CommandFailure.Code

    private enum CodingKeys: String, CodingKey {
        case level, name, says, remedy
    }

    static func ok(_ name: String, _ says: String) -> DoctorCheck {
        DoctorCheck(level: .ok, name: name, says: says, remedy: [], code: .failure)
    }

    static func warn(_ name: String, _ says: String, _ remedy: String...) -> DoctorCheck {
        DoctorCheck(level: .warn, name: name, says: says, remedy: remedy, code: .failure)
    }

    static func fail(
        _ name: String, _ says: String, _ remedy: String..., code: CommandFailure.Code = .failure
    ) -> DoctorCheck {
        DoctorCheck(level: .fail, name: name, says: says, remedy: remedy, code: code)
    }
}

/// All that was looked at: lines for people, JSON for programs, and an exit code.
struct DoctorReport: Sendable {
    /// This machine, or a destination.
    struct Part: Sendable, Encodable {
        let title: String
        var checks: [DoctorCheck]
    }

    /// An unfinished multipart upload of a bucket.
    struct Unfinished: Sendable, Encodable {
        let key: String
        let upload: String
        /// Seconds; nil: the server does not say.
        let age: Int?
        /// What removes it.
        let command: String
    }

    var parts: [Part]
    /// nil: that was not looked at, or could not be told.
    var unfinished: [Unfinished]?

    /// 0 where nothing failed; else that of the destination's first failure, or 1 for this machine's.
    var code: Int32 {
        for part in parts.reversed() {
            if let failed = part.checks.first(where: { $0.level == .fail }) { return failed.code.rawValue }
        }
        return 0
    }

    private func count(_ level: DoctorCheck.Level) -> Int {
        parts.reduce(0) { $0 + $1.checks.count { $0.level == level } }
    }

    // MARK: For people

    var text: String {
        let summary =
            switch (count(.fail), count(.warn)) {
            case (0, 0): "All is well."
            case (0, let warnings): "Uploads work. Warnings: \(warnings)."
            case (let failures, let warnings): "Failures: \(failures), warnings: \(warnings)."
            }
        return parts.map(Self.text).joined(separator: "\n") + "\n" + summary + "\n"
    }

    private static func text(_ part: Part) -> String {
        let width = part.checks.map(\.name.count).max() ?? 0
        var lines = [part.title]
        for check in part.checks {
            let level =
                switch check.level {
                case .ok: "ok  "
                case .warn: "warn"
                case .fail: "FAIL"
                }
            let name = check.name + String(repeating: " ", count: width - check.name.count)
            lines.append("  \(level)  \(name)  \(check.says)")
            for remedy in check.remedy {
                lines += remedy.split(separator: "\n", omittingEmptySubsequences: false).map { "          \($0)" }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: For programs

    private struct Document: Encodable {
        let schema = 1
        let code: Int32
        let parts: [Part]
        let unfinished: [Unfinished]?
    }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = Document(code: code, parts: parts, unfinished: unfinished)
        guard let bytes = try? encoder.encode(document) else { return "{}\n" }
        return String(decoding: bytes, as: UTF8.self) + "\n"
    }
}
