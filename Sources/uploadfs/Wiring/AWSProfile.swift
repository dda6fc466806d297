import Foundation
import UploadTransfer

/// What AWS's own tools find on this machine, in the environment and in the shared files ("Shared config and credentials
/// files", AWS SDKs and Tools Reference Guide). Read again whenever it is asked for, so that new keys need no remount.
struct AWSProfile: Sendable {
    private let credentialsFile = AWSProfile.file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    private let configFile = AWSProfile.file("AWS_CONFIG_FILE", "config")

    /// What requests are signed with. Keys of the environment count before all else: then no file is read.
    var settings: CredentialSettings { settings(withFiles: Environment.value("AWS_ACCESS_KEY_ID") == nil) }

    /// nil when none is set.
    var region: String? { settings(withFiles: true).region }

    /// Where a server of S3 is, where that is not AWS; nil when none is set.
    var endpoint: String? { settings(withFiles: true).objectEndpoint }

    /// A file that can't be read is as good as none.
    private func settings(withFiles: Bool) -> CredentialSettings {
        var environment: [String: String] = [:]
        for name in CredentialSettings.variables { environment[name] = Environment.value(name) }
        return CredentialSettings(
            environment: environment, credentials: withFiles ? Self.sections(of: credentialsFile) : [:],
            config: withFiles ? Self.sections(of: configFile) : [:], credentialsFile: credentialsFile,
            configFile: configFile, tokenDirectory: Self.directory + "/sso/cache")
    }

    private static func sections(of file: String) -> [String: CredentialSettings.Section] {
        (try? SmallFile.read(file)).map(INIFile.sections) ?? [:]
    }

    private static func file(_ variable: String, _ name: String) -> String {
        Environment.value(variable) ?? directory + "/\(name)"
    }

    private static var directory: String { FileManager.default.homeDirectoryForCurrentUser.path + "/.aws" }
}

/// `[section]`, `name = value`, and comments that begin with "#" or ";".
enum INIFile {
    /// By what stands between "[" and "]". What is said twice counts as it was said last.
    static func sections(of text: String) -> [String: [String: String]] {
        var sections: [String: [String: String]] = [:]
        // nil: what comes now belongs to none.
        var title: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.trimmingCharacters(in: .whitespaces)
            if words.hasPrefix("#") || words.hasPrefix(";") { continue }
            if words.hasPrefix("[") {
                title = words.firstIndex(of: "]").map {
                    words[..<$0].dropFirst().trimmingCharacters(in: .whitespaces)
                }
                if let title { sections[title, default: [:]].merge([:]) { $1 } }
                continue
            }
            // What is indented belongs to a setting with parts, of which none is of interest here.
            guard let title, line.first?.isWhitespace == false, let equals = words.firstIndex(of: "=") else { continue }
            let name = words[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
            sections[title, default: [:]][name] = words[words.index(after: equals)...].trimmingCharacters(
                in: .whitespaces)
        }
        return sections
    }
}
