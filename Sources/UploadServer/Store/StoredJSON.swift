import FoundationEssentials
import Glibc

extension OpenFile {
    /// Writes a small JSON file in this directory. Not atomic: whoever reads it knows by another sign that it is whole.
    func replaceContents(of name: String, with value: some Encodable) throws(StoreError) {
        let encoded: Data
        do {
            encoded = try JSONEncoder().encode(value)
        } catch {
            throw .system(call: "encode", errno: EINVAL)
        }
        let file = try OpenFile.open(name, below: self, flags: O_WRONLY | O_CREAT | O_TRUNC)
        try file.write(Array(encoded), at: 0)
    }

    /// - Returns: nil when it is not there or is not what it should be.
    func decodeContents<Value: Decodable>(of name: String, as type: Value.Type) throws(StoreError) -> Value? {
        let file: OpenFile
        do throws(StoreError) {
            file = try OpenFile.open(name, below: self, flags: O_RDONLY)
        } catch .system(_, ENOENT) {
            return nil
        }
        let bytes = try file.contents()
        return try? JSONDecoder().decode(type, from: Data(bytes))
    }
}
