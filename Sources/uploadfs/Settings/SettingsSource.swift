import Configuration
import Glibc
import SystemPackage

/// Where values come from: the option, then the environment, then the config file, then the default.
package struct SettingsSource: Sendable {
    private let reader: ConfigReader

    /// - Parameter file: the config file that was named; nil for the standard one, which need not be there.
    /// - Throws: CommandFailure when it is not readable as YAML.
    init(file: String?) async throws(CommandFailure) {
        var providers: [any ConfigProvider] = [EnvironmentVariablesProvider().prefixKeys(with: "uploadfs")]
        let path = file ?? Self.standardFile
        if file != nil || access(path, F_OK) == 0 {
            do {
                providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(path)))
            } catch {
                throw CommandFailure(
                    .configuration,
                    "The config file \(path) can't be used: \(error). It must be YAML: \"name: value\" lines.")
            }
        }
        reader = ConfigReader(providers: providers)
    }

    static var standardFile: String { Directories.config + "/uploadfs/config.yaml" }

    /// - Parameter option: what the command line says, if anything.
    func value<Value>(_ setting: Setting<Value>, _ option: String?) throws(CommandFailure) -> Value {
        let text = option ?? configured(setting.name) ?? setting.standard
        guard let value = setting.parse(text) else {
            let place =
                option != nil
                ? "--\(setting.name)" : "\(setting.environmentName) (or \(setting.name) in the config file)"
            throw CommandFailure(
                option != nil ? .usage : .configuration, "\(place) is \"\(text)\", but must be \(setting.form).")
        }
        return value
    }

    /// nil where nothing is said, or nothing is what is said.
    func optional(_ setting: Setting<String>, _ option: String?) throws(CommandFailure) -> String? {
        let text = try value(setting, option)
        return text.isEmpty ? nil : text
    }

    private func configured(_ name: String) -> String? {
        let key = ConfigKey([name])
        return reader.string(forKey: key) ?? reader.stringArray(forKey: key)?.joined(separator: ",")
    }
}

/// The XDG base directories of the user who runs us.
enum Directories {
    static var config: String { directory("XDG_CONFIG_HOME", ".config") }
    static var data: String { directory("XDG_DATA_HOME", ".local/share") }
    /// Where the upload server keeps what it receives, if nobody names another place.
    static var received: String { data + "/uploadfs/received" }
    static var state: String { directory("XDG_STATE_HOME", ".local/state") }

    private static func directory(_ variable: String, _ below: String) -> String {
        if let value = Environment.value(variable), value.hasPrefix("/") { return value }
        return (Environment.value("HOME") ?? "/root") + "/" + below
    }
}

enum Environment {
    /// nil when it is not set or empty.
    static func value(_ name: String) -> String? {
        guard let pointer = getenv(name) else { return nil }
        let text = String(cString: pointer)
        return text.isEmpty ? nil : text
    }
}
