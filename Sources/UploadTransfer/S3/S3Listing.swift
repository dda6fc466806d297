import Glibc
import HTTPTypes
package import UploadCore

/// ListObjectsV2 ("Amazon S3 API reference"): what lies directly in a directory, page by page.
///
/// First as the server writes keys in XML, where "+" is one. What XML can't hold (control characters) makes the document
/// none, or comes as U+FFFD: then the page is asked for once more with `encoding-type=url`. Not at once, since servers
/// don't agree on what they call that: to AWS and MinIO "+" is a space there, to SeaweedFS it is one.
extension S3Destination {
    package func list(_ directory: UploadPath, after mark: ListingMark?) async throws(DestinationError) -> ListingPage {
        let prefix = prefix(of: directory)
        return try await page(of: prefix, beginning: prefix, after: mark)
    }

    package func find(_ name: FileName, in directory: UploadPath) async throws(DestinationError) -> [ListedEntry] {
        let prefix = prefix(of: directory)
        let page = try await page(of: prefix, beginning: prefix + name.text, after: nil)
        let found = page.entries.filter { $0.name == name }
        // An object of that name is the first one; before what lies below it there may be pages of "NAME-…".
        guard found.isEmpty, page.next != nil else { return found }
        let below = try await list(directory.appending(name), after: nil)
        return below.entries.isEmpty && below.leftOut.isEmpty ? [] : [ListedEntry(name: name, kind: .directory)]
    }

    private func prefix(of directory: UploadPath) -> String {
        endpoint.location.prefix + (directory.components.isEmpty ? "" : directory.text + "/")
    }

    /// - Parameters:
    ///   - prefix: the directory's.
    ///   - beginning: with what the keys begin.
    private func page(
        of prefix: String, beginning: String, after mark: ListingMark?
    ) async throws(DestinationError) -> ListingPage {
        var query: [(name: String, value: String)] = [
            ("list-type", "2"), ("delimiter", "/"), ("prefix", beginning),
        ]
        if let mark { query.append(("continuation-token", mark.rawValue)) }
        let plain = try await endpoint.ask(S3Request(method: .get, query: query, operation: "list"))
        if let root = S3Document.parse(plain.body), !S3ListPage.hasLostCharacters(plain.body) {
            return try S3ListPage(root, plain, prefix).page(after: mark)
        }
        query.append(("encoding-type", "url"))
        let encoded = try await endpoint.ask(S3Request(method: .get, query: query, operation: "list"))
        guard let root = S3Document.parse(encoded.body) else {
            throw .malformed(detail: "the answer to list is no XML")
        }
        return try S3ListPage(root, encoded, prefix).page(after: mark)
    }
}

/// An answer to ListObjectsV2. Pure.
struct S3ListPage {
    private let root: S3Element
    private let prefix: String
    private let encoding: Encoding

    private enum Encoding {
        case none
        /// By `%XX`, and by "+" where that is a space.
        case url(plusIsSpace: Bool)
    }

    init(_ root: S3Element, _ response: TransferResponse, _ prefix: String) throws(DestinationError) {
        // Sent before the server knew how it would end.
        if root.name == "Error" { throw S3Failures.error(response) }
        guard root.name == "ListBucketResult" else {
            throw .malformed(detail: "the answer to list is a \(root.name), and no ListBucketResult")
        }
        self.root = root
        self.prefix = prefix
        // Who writes a space as %20 means "+" by "+".
        encoding =
            root["EncodingType"]?.text == "url"
            ? .url(plusIsSpace: !Self.has(Array("%20".utf8), in: response.body)) : .none
    }

    /// Go's servers write U+FFFD for what XML can't hold.
    static func hasLostCharacters(_ body: [UInt8]) -> Bool { has([0xef, 0xbf, 0xbd], in: body) }

    private static func has(_ word: [UInt8], in body: [UInt8]) -> Bool {
        guard let first = word.first else { return true }
        var rest = body[...]
        while let index = rest.firstIndex(of: first) {
            rest = rest[index...]
            if rest.starts(with: word) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    func page(after mark: ListingMark?) throws(DestinationError) -> ListingPage {
        var page = ListingPage(entries: [])
        for element in root.children {
            switch element.name {
            case "Contents": try add(object: element, to: &page)
            case "CommonPrefixes": try add(directory: element, to: &page)
            default: break
            }
        }
        guard root["IsTruncated"]?.text == "true" else { return page }
        guard let next = root["NextContinuationToken"]?.text, !next.isEmpty, next != mark?.rawValue else {
            throw .malformed(detail: "a listing goes on, and does not say where")
        }
        page.next = ListingMark(next)
        return page
    }

    private func add(object: S3Element, to page: inout ListingPage) throws(DestinationError) {
        guard let key = object["Key"]?.text, let size = object["Size"].flatMap({ Int64($0.text) }), size >= 0,
            let modified = object["LastModified"].flatMap({ ISO8601Time.timestamp($0.text) })
        else { throw .malformed(detail: "a listing has an object without a key, size or time") }
        guard let rest = try rest(of: key) else { return page.leftOut.append(key) }
        if rest.isEmpty {
            // What keeps an empty directory is no file in it; with content nobody could see it.
            if size > 0 { page.leftOut.append(key) }
            return
        }
        guard let name = try? FileName(rest) else { return page.leftOut.append(prefix + rest) }
        let tag = object["ETag"].map { S3Endpoint.unquoted($0.text) }
        page.entries.append(
            ListedEntry(
                name: name,
                kind: .file(ListedObject(size: size, modified: modified, tag: tag?.isEmpty == false ? tag : nil))))
    }

    private func add(directory: S3Element, to page: inout ListingPage) throws(DestinationError) {
        guard let key = directory["Prefix"]?.text else {
            throw .malformed(detail: "a listing has a prefix that it does not tell")
        }
        guard let rest = try rest(of: key), rest.utf8.last == UInt8(ascii: "/") else {
            return page.leftOut.append(key)
        }
        guard let name = try? FileName(String(decoding: rest.utf8.dropLast(), as: UTF8.self)) else {
            return page.leftOut.append(prefix + rest)
        }
        page.entries.append(ListedEntry(name: name, kind: .directory))
    }

    /// What comes behind the directory's own path.
    /// - Returns: nil when it is no UTF-8.
    private func rest(of text: String) throws(DestinationError) -> String? {
        let key: String?
        switch encoding {
        case .none: key = text
        case .url(true): key = PercentEncoding.decode(text.replacing("+", with: " "))
        case .url(false): key = PercentEncoding.decode(text)
        }
        guard let key else { return nil }
        // By bytes: a name may begin with what combines with the "/" before it.
        guard key.utf8.starts(with: prefix.utf8) else {
            throw .malformed(detail: "a listing of \"\(prefix)\" has \"\(key)\"")
        }
        return String(decoding: key.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }
}

/// Times as S3 writes them in XML: "2009-10-12T17:50:30.000Z", in UTC.
enum ISO8601Time {
    /// - Returns: nil for what is no such time.
    static func timestamp(_ text: String) -> Timestamp? {
        let words = text.split { !$0.isASCII || !$0.isNumber }
        let numbers = words.compactMap { Int64($0) }
        guard (6...7).contains(numbers.count), numbers.count == words.count, words[0].count == 4,
            1...12 ~= numbers[1], 1...31 ~= numbers[2], text.hasSuffix("Z")
        else { return nil }
        var fields = tm()
        fields.tm_year = Int32(numbers[0] - 1900)
        fields.tm_mon = Int32(numbers[1] - 1)
        fields.tm_mday = Int32(numbers[2])
        guard 0...23 ~= numbers[3], 0...59 ~= numbers[4], 0...60 ~= numbers[5] else { return nil }
        (fields.tm_hour, fields.tm_min, fields.tm_sec) = (Int32(numbers[3]), Int32(numbers[4]), Int32(numbers[5]))
        let fraction = words.count > 6 ? Double("0." + words[6]) ?? 0 : 0
        return Timestamp(seconds: Int64(timegm(&fields)), nanoseconds: Int64((fraction * 1e9).rounded()))
    }
}
