/// A program that prints credentials ("Process credential provider", AWS SDKs and Tools Reference Guide).
package struct CredentialProcess: Sendable, Hashable {
    let profile: String
    /// Its name first.
    let words: [String]

    /// How long it may take.
    static let limit = Duration.seconds(60)

    /// How it ended.
    package enum End: Sendable, Hashable {
        /// - Parameter output: what it wrote to its standard output. Secrets.
        case exited(code: Int32, output: [UInt8])
        /// There is no such program, or it can't be run.
        case notStarted(reason: String)
        case timedOut
    }
}

extension CredentialFetcher {
    func fetch(_ process: CredentialProcess) async throws(S3CredentialFailure) -> CredentialLease {
        // Arguments may be secret.
        let name = "The credential_process of the profile \"\(process.profile)\" (\(process.words.first ?? ""))"
        switch await world.run(process.words, CredentialProcess.limit) {
        case .notStarted(let reason):
            throw .configuration("\(name) could not be started: \(reason). Correct it, or install the program.")
        case .timedOut: throw .passing("\(name) took longer than 60 s. It is tried again by itself.")
        case .exited(0, let output):
            guard let document = CredentialDocument(output), document.version == 1, let lease = document.lease else {
                throw .configuration(
                    "\(name) did not print credentials in JSON, of Version 1. Run it by hand to see what it prints.")
            }
            return lease
        case .exited(let code, _):
            throw .configuration("\(name) ended with code \(code). Run it by hand to see why.")
        }
    }
}
