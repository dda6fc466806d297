import HTTPTypes
import UploadCore

extension HTTPFields {
    /// Fields by their names as text. What is no field name is left out.
    init(named fields: KeyValuePairs<String, String>) {
        self.init()
        for (text, value) in fields {
            if let name = HTTPField.Name(text) { append(HTTPField(name: name, value: value)) }
        }
    }
}

/// What the native protocol says of a file beside its bytes, in a head or in JSON.
extension ObjectDescription {
    /// Seconds since 1970 with all digits of the fraction: "1767225600.000000001".
    var modifiedText: String {
        let (seconds, fraction) = modified.nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(fraction)
        let zeros = String(repeating: "0", count: 9 - digits.count)
        return "\(modified.nanoseconds < 0 ? "-" : "")\(seconds).\(zeros)\(digits)"
    }

    /// Permission bits in octal: "644".
    var modeText: String { String(mode & 0o7777, radix: 8) }

    /// What travels with a session or an object; with the name of our state directory, if it has one.
    func metadata(_ options: NativeOptions) -> [String: String] {
        var facts = ["mtime": modifiedText, "mode": modeText, "order": orderText(options)]
        if !options.origin.isEmpty {
            facts["origin"] = options.origin
            facts["run"] = options.run
        }
        return facts
    }

    /// Tells which of two that publish under one name is the later one.
    /// The numbers grow from run to run of a state directory: what a killed run had sent may still be carried out.
    func orderText(_ options: NativeOptions) -> String {
        "\(options.origin.isEmpty ? options.run : options.origin)/\(order)"
    }
}
