import HTTPTypes
import Hummingbird
import NIOCore
import UploadCore

extension UploadRoutes {
    /// Bytes read from the file at a time; a slow client holds that much memory, not more.
    private static let blockSize = 256 << 10

    /// GET and HEAD /files/NAME
    func getFile(_ path: UploadPath, _ request: Request, withBody: Bool) async throws(Refusal) -> Response {
        let file = try await stored { () async throws(StoreError) in
            try await store.calls.run { () throws(StoreError) in
                try PublishedFile.open(path, below: store.directory.root)
            }
        }
        let tag = EntityTags.tag(of: file.digest)
        let modified = HTTPDate.format(file.modified)
        var headers: HTTPFields = [
            .eTag: tag, .lastModified: modified, .acceptRanges: "bytes", .reprDigest: file.digest.field,
        ]
        if let condition = request.headers[.ifMatch], !EntityTags.match(condition, tag, strongly: true) {
            return Response(status: .preconditionFailed, headers: headers)
        }
        if EntityTags.match(request.headers[.ifNoneMatch], tag) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = file.contentType ?? Self.guessedType(path)
        headers[.xContentTypeOptions] = "nosniff"

        let condition = request.headers[.ifRange]
        let isPartWanted = condition == nil || condition == tag || condition == modified
        switch ByteRange.parse(isPartWanted ? request.headers[.range] : nil, size: file.size) {
        case .whole:
            return answer(.ok, headers, file, 0..<file.size, withBody: withBody)
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
            return answer(.partialContent, headers, file, range, withBody: withBody)
        case .unsatisfiable:
            var response = Answers.problem(.rangeNotSatisfiable(size: file.size))
            response.headers[.contentRange] = "bytes */\(file.size)"
            return withBody ? response : response.createHeadResponse()
        }
    }

    private func answer(
        _ status: HTTPResponse.Status, _ headers: HTTPFields, _ file: PublishedFile, _ range: Range<Int64>,
        withBody: Bool
    ) -> Response {
        let length = range.upperBound - range.lowerBound
        var headers = headers
        headers[.contentLength] = "\(length)"
        guard withBody else { return Response(status: status, headers: headers) }
        let body = ResponseBody(contentLength: Int(length)) { [calls = store.calls] writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let wanted = Int(min(Int64(Self.blockSize), range.upperBound - offset))
                let block = try await calls.run { [offset] () throws(StoreError) in
                    try file.file.block(at: offset, length: wanted)
                }
                try await writer.write(block)
                offset += Int64(block.readableBytes)
            }
            try await writer.finish(nil)
        }
        return Response(status: status, headers: headers, body: body)
    }

    /// For a file that a person put here, or a filesystem without attributes.
    private static func guessedType(_ path: UploadPath) -> String {
        path.name?.pathExtension.flatMap(MediaType.getMediaType(forExtension:))?.description ?? ContentType.unknown
    }
}

extension OpenFile {
    /// - Throws: `noSuchFile` when the file ends before: somebody cut it. The answer is broken off then.
    fileprivate func block(at offset: Int64, length: Int) throws(StoreError) -> ByteBuffer {
        var buffer = ByteBuffer()
        var failure: StoreError?
        let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { bytes in
            do throws(StoreError) {
                return try read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<length]), at: offset)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        guard count == length else { throw .noSuchFile }
        return buffer
    }
}
