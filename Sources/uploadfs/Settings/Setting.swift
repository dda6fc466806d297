/// One row of the table of settings: its name in the config file (`name`), as an option (`--name`) and
/// in the environment (`UPLOADFS_NAME`), and how its text becomes a value.
package struct Setting<Value: Sendable>: Sendable {
    package let name: String
    /// What holds when nobody says anything, as it would be written.
    package let standard: String
    package let help: String
    /// What such a value looks like, for error messages.
    let form: String
    let parse: @Sendable (String) -> Value?

    init(
        _ name: String, standard: String, form: String, _ help: String, parse: @escaping @Sendable (String) -> Value?
    ) {
        self.name = name
        self.standard = standard
        self.form = form
        self.help = help
        self.parse = parse
    }

    var environmentName: String {
        "UPLOADFS_" + name.uppercased().replacing("-", with: "_")
    }

    /// The help of its option.
    var optionHelp: String {
        standard.isEmpty ? help : "\(help) (default: \(standard))"
    }
}

extension Setting where Value == Int64? {
    static func bytes(_ name: String, standard: String, _ help: String) -> Setting {
        Setting(name, standard: standard, form: "a size such as 8MiB or 10MB, or \"none\"", help) { text in
            text == "none" || text.isEmpty ? .some(nil) : Quantity.bytes(text).map(Optional.some)
        }
    }
}

extension Setting where Value == Duration {
    static func duration(_ name: String, standard: String, _ help: String) -> Setting {
        Setting(name, standard: standard, form: "a duration such as 250ms, 10s or 7d", help, parse: Quantity.duration)
    }
}

extension Setting where Value == Int {
    static func count(_ name: String, standard: Int, in range: ClosedRange<Int>, _ help: String) -> Setting {
        Setting(
            name, standard: String(standard), form: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            help
        ) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Setting where Value == String {
    static func text(_ name: String, standard: String = "", _ help: String) -> Setting {
        Setting(name, standard: standard, form: "text", help) { $0 }
    }
}

extension Setting where Value == Bool {
    static func flag(_ name: String, _ help: String) -> Setting {
        Setting(name, standard: "", form: "true or false", help) { text in
            switch text.lowercased() {
            case "true", "yes", "on", "1": true
            case "false", "no", "off", "0", "": false
            default: nil
            }
        }
    }
}

extension Setting where Value == [String] {
    static func list(_ name: String, standard: String = "", _ help: String) -> Setting {
        Setting(name, standard: standard, form: "a list with commas", help) { text in
            text.split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) }.filter { !$0.isEmpty }
        }
    }
}
