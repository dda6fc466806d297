import HTTPTypes
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// What is taken for a part of an object.
@Suite struct RangeAnswerTests {
    private let part = RangeAnswer(range: 10..<14, size: 100)

    private func judged(
        _ status: Int, _ fields: HTTPFields, _ body: String, as part: RangeAnswer? = nil
    ) -> Result<[UInt8]?, DestinationError> {
        Result { () throws(DestinationError) in
            try (part ?? self.part).bytes(
                TransferResponse(status: status, fields: fields, body: Array(body.utf8)))
        }
    }

    @Test("A part is asked for by its first and last byte, and a refusal has room to say why")
    func field() {
        #expect(part.field == "bytes=10-13" && part.limit == 64 << 10)
        #expect(RangeAnswer(range: 0..<1 << 20, size: 2 << 20).limit == 1 << 20)
    }

    @Test("A part is just the one that was asked for, of an object of the size that is known")
    func parts() {
        #expect(judged(206, [.contentRange: "bytes 10-13/100"], "abcd") == .success(Array("abcd".utf8)))
        #expect(judged(206, [.contentRange: "bytes 10-13/*"], "abcd") == .success(Array("abcd".utf8)))
        let called200: HTTPFields = [.contentRange: "bytes 10-13/100", .contentLength: "4"]
        #expect(judged(200, called200, "abcd") == .success(Array("abcd".utf8)))
        #expect(judged(206, [.contentRange: "bytes 10-13/99"], "abcd") == .failure(.objectChanged))
        for (told, body) in [("bytes 10-12/100", "abc"), ("bytes 0-3/100", "abcd"), ("bytes 10-13/100", "abc")] {
            guard case .failure(.malformed) = judged(206, [.contentRange: told], body) else {
                Issue.record("\(told) was taken")
                continue
            }
        }
        #expect(judged(206, [:], "abcd") == .failure(.malformed(detail: "a part was answered without its place")))
    }

    @Test("Who answers with the whole has answered for what it begins with, and for nothing else")
    func whole() {
        let first = RangeAnswer(range: 0..<4, size: 100)
        let length: HTTPFields = [.contentLength: "100"]
        #expect(judged(200, length, "abcdefgh", as: first) == .success(Array("abcd".utf8)))
        #expect(judged(200, [.contentLength: "99"], "abcdefgh", as: first) == .failure(.objectChanged))
        guard case .failure(.rejected(let rejection)) = judged(200, length, String(repeating: "x", count: 100)) else {
            Issue.record("a whole was taken for a part in the middle")
            return
        }
        #expect(rejection.detail.contains("Range is not supported"))
    }

    @Test("A condition that does not hold, and a range that is not there, are of another object")
    func conditions() {
        #expect(judged(412, [:], "") == .failure(.objectChanged))
        #expect(judged(416, [.contentRange: "bytes */5"], "") == .failure(.objectChanged))
        #expect(judged(404, [:], "") == .success(nil) && judged(503, [:], "") == .success(nil))
    }

    @Test("Content-Range is read as it is written, and nothing else")
    func contentRange() {
        #expect(ContentRange("bytes 0-0/1").map { $0.range == 0..<1 && $0.size == 1 } == true)
        #expect(ContentRange("Bytes 5-9/*").map { $0.range == 5..<10 && $0.size == nil } == true)
        for text in ["bytes */10", "bytes 5-4/10", "bytes 5/10", "5-9/10", "bytes 5-9", "bytes -9/10", "bytes a-b/c"] {
            #expect(ContentRange(text) == nil, "\(text)")
        }
    }
}
