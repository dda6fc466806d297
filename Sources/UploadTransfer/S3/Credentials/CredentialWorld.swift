/// What it takes to get credentials from elsewhere.
package struct CredentialWorld: Sendable {
    /// Shared with others; who made it ends it.
    let client: CurlClient
    /// In seconds since 1970.
    let now: @Sendable () -> Int
    /// A small file; nil when it can't be read.
    let read: @Sendable (_ path: String) -> [UInt8]?
    /// Takes a small file's place, whole and for its owner alone, or leaves it as it is.
    let replace: @Sendable (_ path: String, _ bytes: [UInt8]) -> Bool
    /// Starts a program, its own name first, without a shell; gives it up after `limit`.
    let run: @Sendable (_ words: [String], _ limit: Duration) async -> CredentialProcess.End

    package init(
        client: CurlClient, now: @escaping @Sendable () -> Int, read: @escaping @Sendable (_ path: String) -> [UInt8]?,
        replace: @escaping @Sendable (_ path: String, _ bytes: [UInt8]) -> Bool = { _, _ in false },
        run: @escaping @Sendable (_ words: [String], _ limit: Duration) async -> CredentialProcess.End
    ) {
        self.client = client
        self.now = now
        self.read = read
        self.replace = replace
        self.run = run
    }
}
