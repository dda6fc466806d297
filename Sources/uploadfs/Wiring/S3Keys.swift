import Glibc
import Logging
import Synchronization
import UploadTransfer

/// The keys of a mount on a bucket: found as AWS's own tools find them, with why there are none in the log. The status
/// of a file that waits for them has no room for that.
final class S3Keys: S3CredentialSource {
    private let chain: CredentialChain
    private let logger: Logger
    /// What the log has been told last.
    private let told = Mutex<S3CredentialFailure?>(nil)

    /// - Throws: CommandFailure (78) when there are none, and none will come by themselves.
    init(client: CurlClient, logger: Logger) async throws(CommandFailure) {
        let profile = AWSProfile()
        chain = CredentialChain(
            settings: { profile.settings },
            world: CredentialWorld(
                client: client, now: { time(nil) }, read: { (try? SmallFile.read($0)).map { Array($0.utf8) } },
                replace: SmallFile.replace,
                run: CredentialProgram.run))
        self.logger = logger
        do throws(S3CredentialFailure) {
            _ = try await chain.credentials()
        } catch {
            // Whether to mount without an answer is decided by whoever asks the bucket.
            if case .configuration(let sentence) = error { throw CommandFailure(.configuration, sentence) }
        }
    }

    func credentials() async throws(S3CredentialFailure) -> S3Credentials {
        do throws(S3CredentialFailure) {
            let credentials = try await chain.credentials()
            told.withLock { $0 = nil }
            return credentials
        } catch {
            tell(error)
            throw error
        }
    }

    func refused(_ credentials: S3Credentials) { chain.refused(credentials) }

    /// Once, however many requests fail for it.
    private func tell(_ failure: S3CredentialFailure) {
        if case .cancelled = failure { return }
        let isNew = told.withLock { told in
            defer { told = failure }
            return told != failure
        }
        if isNew { logger.warning("There are no credentials for S3.", metadata: ["reason": "\(failure.sentence)"]) }
    }
}
