import Foundation
import UploadTransfer

/// The keys that requests to S3 are signed with, as AWS's own tools find them: in the environment, else in the profile's
/// section of the shared credentials and config files ("Configuration and credential file settings", AWS CLI). Read
/// again for each request, so that new keys need no remount.
struct AWSProfile: Sendable {
    private let name = Environment.value("AWS_PROFILE") ?? "default"
    private let credentialsFile = AWSProfile.file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    private let configFile = AWSProfile.file("AWS_CONFIG_FILE", "config")

    /// nil when there are none. A file that can't be read is as good as none.
    var credentials: S3Credentials? {
        if let accessKey = Environment.value("AWS_ACCESS_KEY_ID"),
            let secretKey = Environment.value("AWS_SECRET_ACCESS_KEY")
        {
            return S3Credentials(
                accessKey: accessKey, secretKey: secretKey, sessionToken: Environment.value("AWS_SESSION_TOKEN"))
        }
        for settings in [section(name, of: credentialsFile), configuration] {
            guard let accessKey = settings["aws_access_key_id"], let secretKey = settings["aws_secret_access_key"]
            else { continue }
            return S3Credentials(
                accessKey: accessKey, secretKey: secretKey, sessionToken: settings["aws_session_token"])
        }
        return nil
    }

    /// nil when none is set.
    var region: String? {
        Environment.value("AWS_REGION") ?? Environment.value("AWS_DEFAULT_REGION") ?? configuration["region"]
    }

    /// Where the keys were looked for, for who has none.
    var places: String {
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, and the profile \"\(name)\" has no keys in "
            + "\(credentialsFile) or \(configFile)"
    }

    private var configuration: [String: String] {
        section(name == "default" ? "default" : "profile \(name)", of: configFile)
    }

    private func section(_ name: String, of file: String) -> [String: String] {
        guard let text = try? SmallFile.read(file) else { return [:] }
        return INIFile.section(name, of: text)
    }

    private static func file(_ variable: String, _ name: String) -> String {
        Environment.value(variable) ?? FileManager.default.homeDirectoryForCurrentUser.path + "/.aws/\(name)"
    }
}

/// `[section]`, `name = value`, and comments that begin with "#" or ";".
enum INIFile {
    static func section(_ wanted: String, of text: String) -> [String: String] {
        var settings: [String: String] = [:]
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.trimmingCharacters(in: .whitespaces)
            if words.hasPrefix("#") || words.hasPrefix(";") { continue }
            if words.hasPrefix("["), words.hasSuffix("]") {
                isInside = words.dropFirst().dropLast().trimmingCharacters(in: .whitespaces) == wanted
                continue
            }
            // What is indented belongs to a setting with parts, of which none is of interest here.
            guard isInside, line.first?.isWhitespace == false, let equals = words.firstIndex(of: "=") else { continue }
            let name = words[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
            settings[name] = words[words.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        }
        return settings
    }
}
