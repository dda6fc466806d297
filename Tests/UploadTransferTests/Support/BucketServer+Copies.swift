import Foundation

/// CopyObject, UploadPartCopy and DeleteObject.
extension BucketServer.State {
    mutating func copy(_ request: RawRequest, to key: String, _ query: String) -> BucketServer.Answer {
        let place = request.fields["x-amz-copy-source"]?.removingPercentEncoding ?? ""
        guard place.hasPrefix("/b/"), let source = objects[String(place.dropFirst(3))] else {
            return error(404, "NoSuchKey")
        }
        if let wanted = request.fields["x-amz-copy-source-if-match"],
            manner.mistakesTags || wanted != "\"\(source.tag)\""
        {
            return error(412, "PreconditionFailed")
        }
        if manner.failsLate {
            return BucketServer.Answer(
                kind: "copy", body: "<Error><Code>InternalError</Code><Message>late</Message></Error>")
        }
        let words = Dictionary(
            query.split(separator: "&").map { $0.split(separator: "=").map(String.init) }
                .map { ($0[0], $0.count > 1 ? $0[1] : "") }, uniquingKeysWith: { $1 })
        if let upload = words["uploadId"], let number = words["partNumber"].flatMap({ Int($0) }) {
            return copyPart(request, of: source, to: upload, number)
        }
        if let conflict = conflict(request, key) { return conflict }
        let isReplaced = request.fields["x-amz-metadata-directive"] == "REPLACE"
        let tag = "c\(objects.count)-\(source.tag)"
        put(key, source.body, isReplaced ? request.fields : source.fields, tag)
        return BucketServer.Answer(
            kind: "copy", body: "<CopyObjectResult><ETag>\"\(tag)\"</ETag></CopyObjectResult>")
    }

    private mutating func copyPart(
        _ request: RawRequest, of source: BucketServer.Object, to upload: String, _ number: Int
    ) -> BucketServer.Answer {
        let range = (request.fields["x-amz-copy-source-range"] ?? "").dropFirst("bytes=".count).split(separator: "-")
            .compactMap { Int($0) }
        guard uploads[upload] != nil else { return error(404, "NoSuchUpload") }
        guard range.count == 2, range[0] <= range[1], range[1] < source.body.count else {
            return error(400, "InvalidArgument")
        }
        let body = Array(source.body[range[0]...range[1]])
        let tag = "p\(body.count)-\(number)"
        uploads[upload]?.parts[number] = BucketServer.Object(body: body, fields: [:], tag: tag)
        return BucketServer.Answer(
            kind: "copy", body: "<CopyPartResult><ETag>\"\(tag)\"</ETag></CopyPartResult>")
    }

    mutating func delete(_ request: RawRequest, _ key: String) -> BucketServer.Answer {
        if objects[key] != nil, let conflict = conflict(request, key) { return conflict }
        objects[key] = nil
        return BucketServer.Answer(kind: "DELETE", status: 204)
    }
}
