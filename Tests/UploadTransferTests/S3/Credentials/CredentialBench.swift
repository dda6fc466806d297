import Crypto
import Synchronization

@testable import UploadTransfer

/// What tests of credentials have in common.
enum CredentialBench {
    /// 2026-01-01T00:00:00Z
    static let now = 1_767_225_600

    static func settings(
        _ environment: [String: String], credentials: [String: CredentialSettings.Section] = [:],
        config: [String: CredentialSettings.Section] = [:]
    ) -> CredentialSettings {
        CredentialSettings(
            environment: environment, credentials: credentials, config: config, credentialsFile: "/home/credentials",
            configFile: "/home/config", tokenDirectory: "/home/cache")
    }

    /// Fetches what such settings say.
    static func fetch(
        _ settings: CredentialSettings, files: [String: String] = [:],
        run: @escaping @Sendable ([String], Duration) async -> CredentialProcess.End = { _, _ in .timedOut },
        replace: @escaping @Sendable (String, [UInt8]) -> Bool = { _, _ in false }
    ) async throws -> Result<CredentialLease, S3CredentialFailure> {
        let client = try CurlClient()
        let fetcher = CredentialFetcher(
            world: CredentialWorld(
                client: client, now: { now }, read: { path in files[path].map { Array($0.utf8) } }, replace: replace,
                run: run))
        let result: Result<CredentialLease, S3CredentialFailure>
        do throws(S3CredentialFailure) {
            result = .success(try await fetcher.fetch(CredentialPlan(settings)))
        } catch {
            result = .failure(error)
        }
        await client.shutdown()
        return result
    }
}

extension Result where Failure == S3CredentialFailure {
    var failure: S3CredentialFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}

extension S3CredentialFailure {
    var isConfiguration: Bool {
        if case .configuration = self { true } else { false }
    }

    var isPassing: Bool {
        if case .passing = self { true } else { false }
    }
}

/// Seconds that a test moves on.
final class TestTime: Sendable {
    private let seconds = Mutex(CredentialBench.now)

    var now: Int { seconds.withLock { $0 } }
    func pass(_ count: Int) { seconds.withLock { $0 += count } }
}

enum SHA256Text {
    static func of(_ text: String) -> String { Hex.text(SHA256.hash(data: Array(text.utf8))) }
}
