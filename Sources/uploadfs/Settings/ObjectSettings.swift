import ArgumentParser
import UploadTransfer

/// What a bucket's objects are to be like.
extension Settings {
    static let onConflict = Setting<ConflictRule>(
        "on-conflict", standard: ConflictRule.overwrite.rawValue,
        form: ConflictRule.allCases.map(\.rawValue).joined(separator: ", "),
        "What becomes of a file whose name has an object in the bucket that this mount has not put there: it replaces "
            + "that, fails, or is put beside it as \"NAME (conflict HOST DATE).EXT\".",
        parse: ConflictRule.init)
    static let storageClass = text("storage-class", "The objects' storage class, such as STANDARD_IA.")
    static let acl = text("acl", "Their canned ACL, such as bucket-owner-full-control.")
    static let encryption = text("sse", "Their encryption by the server: AES256, aws:kms or aws:kms:dsse.")
    static let encryptionKey = text("sse-kms-key", "The id of the key for that.")
    static let tag = text("tag", "Their tags, as NAME=VALUE&NAME=VALUE, encoded as in a URL.")
    static let cacheControl = text("cache-control", "Their Cache-Control, such as max-age=3600.")
    static let objectRules = Setting<S3ObjectRules>(
        "object-rules", standard: "", form: "PATTERN NAME=VALUE, several with \";\" between them",
        "The same for objects whose names fit a pattern, and more: \"*.html cache-control=no-cache; *.log "
            + "storage-class=GLACIER\". There are \(S3ObjectRules.names).",
        parse: { S3ObjectRules($0) })

    private static func text(_ name: String, _ help: String) -> Setting<String> { .text(name, help) }
}

struct ObjectOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp(Settings.onConflict.optionHelp))
    var onConflict: String?

    @Option(name: .long, help: ArgumentHelp(Settings.storageClass.optionHelp))
    var storageClass: String?

    @Option(name: .long, help: ArgumentHelp(Settings.acl.optionHelp))
    var acl: String?

    @Option(name: .long, help: ArgumentHelp(Settings.encryption.optionHelp))
    var sse: String?

    @Option(name: .long, help: ArgumentHelp(Settings.encryptionKey.optionHelp))
    var sseKmsKey: String?

    @Option(name: .long, help: ArgumentHelp(Settings.tag.optionHelp))
    var tag: String?

    @Option(name: .long, help: ArgumentHelp(Settings.cacheControl.optionHelp))
    var cacheControl: String?

    @Option(name: .long, help: ArgumentHelp(Settings.objectRules.optionHelp))
    var objectRules: String?
}

extension ObjectOptions {
    /// Those for all objects, and behind them those for some.
    func rules(_ source: SettingsSource) throws(CommandFailure) -> S3ObjectRules {
        var rules = S3ObjectRules()
        let rows = [
            (Settings.storageClass, storageClass), (Settings.acl, acl), (Settings.encryption, sse),
            (Settings.encryptionKey, sseKmsKey), (Settings.tag, tag), (Settings.cacheControl, cacheControl),
        ]
        for (setting, option) in rows {
            guard let value = try source.optional(setting, option) else { continue }
            guard rules.set(setting.name, to: value) else {
                throw CommandFailure(
                    .configuration, "\(setting.name) can't be \"\(value)\": it must be text of ASCII characters.")
            }
        }
        rules.append(try source.value(Settings.objectRules, objectRules))
        return rules
    }
}
