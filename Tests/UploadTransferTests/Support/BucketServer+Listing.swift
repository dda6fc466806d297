import Foundation
import UploadCore

@testable import UploadTransfer

extension BucketServer.State {
    /// ListObjectsV2, as a server in Go answers it: what XML can't hold is U+FFFD, unless it is encoded.
    func listing(_ query: String) -> BucketServer.Answer {
        var words: [String: String] = [:]
        for word in query.split(separator: "&") {
            let parts = word.split(separator: "=", maxSplits: 1)
            words[String(parts[0])] = parts.count > 1 ? String(parts[1]).removingPercentEncoding : ""
        }
        let prefix = words["prefix"] ?? ""
        let isEncoded = words["encoding-type"] == "url"
        let after = words["continuation-token"].map { String($0.dropFirst("after:".count)) }
        let all = items(prefix, words["delimiter"]).filter { item in
            after.map { $0.utf8.lexicographicallyPrecedes(item.name.utf8) } ?? true
        }
        let page = all.prefix(manner.page)
        func text(_ name: String) -> String {
            guard isEncoded else {
                let kept = String(
                    String.UnicodeScalarView(name.unicodeScalars.map { $0.value < 32 ? "\u{fffd}" : $0 }))
                return S3Document.escaped(kept)
            }
            let encoded = PercentEncoding.encode(name)
            return manner.plusIsSpace ? encoded.replacing("%20", with: "+") : encoded.replacing("%2B", with: "+")
        }
        var body = page.map { item in
            guard let object = item.object else {
                return "<CommonPrefixes><Prefix>\(text(item.name))</Prefix></CommonPrefixes>"
            }
            return "<Contents><Key>\(text(item.name))</Key><LastModified>2009-10-12T17:50:30.250Z</LastModified>"
                + "<ETag>&quot;\(object.tag)&quot;</ETag><Size>\(object.body.count)</Size></Contents>"
        }.joined()
        if isEncoded { body += "<EncodingType>url</EncodingType>" }
        if let last = page.last, all.count > page.count {
            body += "<IsTruncated>true</IsTruncated><NextContinuationToken>after:\(S3Document.escaped(last.name))"
            body += "</NextContinuationToken>"
        }
        return BucketServer.Answer(kind: "list", body: "<ListBucketResult>\(body)</ListBucketResult>")
    }

    /// In the order of their bytes; nil is the object of a prefix.
    private func items(_ prefix: String, _ delimiter: String?) -> [(name: String, object: BucketServer.Object?)] {
        var found: [Data: (name: String, object: BucketServer.Object?)] = [:]
        for (key, object) in objects where key.utf8.starts(with: prefix.utf8) {
            let rest = key.utf8.dropFirst(prefix.utf8.count)
            if delimiter == "/", let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
                let name = String(decoding: key.utf8[...slash], as: UTF8.self)
                found[Data(name.utf8)] = (name, nil)
            } else {
                found[Data(key.utf8)] = (key, object)
            }
        }
        return found.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }
}
