extension FailureSentences {
    /// What keeps a move or a deletion from being done, with what it was.
    static func notDone(_ owed: OwedMove, _ failure: Failure) -> Failure {
        let name = NameFormat.text(owed.object.path)
        guard owed.file != nil else {
            let what = owed.successor == nil ? "The object of \(name)" : "The object of its former name \(name)"
            return Failure(
                code: failure.code, reason: "\(what) could not be deleted. \(failure.reason)",
                remedy: failure.remedy)
        }
        return Failure(
            code: failure.code,
            reason: "Its object could not be copied from its former name \(name). \(failure.reason)",
            remedy: failure.remedy)
    }

    /// The same, where no retry by itself mends it.
    static func refused(_ owed: OwedMove, _ failure: Failure) -> Failure {
        let all = notDone(owed, failure)
        let command = owed.file ?? owed.successor == nil ? "retry all" : "retry PATH"
        let other = owed.file == nil ? "delete it there" : "rename the file once more"
        let remedy = "Mend that and retry it (\"\(command)\" to .uploadfs/control), or \(other)."
        return Failure(code: all.code, reason: all.reason, remedy: remedy)
    }

    static let sourceGone = Failure(
        code: "move-source-gone",
        reason: "The destination does not have it there any more, and its bytes are no longer all in the spool.",
        remedy: "Write the file again.")
}
