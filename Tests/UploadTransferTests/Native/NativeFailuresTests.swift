import FoundationEssentials
import HTTPTypes
import Testing
import UploadCore

@testable import UploadTransfer

/// Every row of the table from answers to facts.
struct NativeFailuresTests {
    private typealias Problem = NativeProtocol.Problem

    private func error(
        _ status: Int, _ type: NativeProtocol.ProblemType?, missing: [Int]? = nil, limit: Int64? = nil,
        fields: HTTPFields = [:]
    ) throws -> DestinationError {
        var fields = fields
        var body: [UInt8] = []
        if let type {
            fields[.contentType] = NativeProtocol.problemContentType
            let problem = Problem(
                type: type, title: "t", status: status, detail: "said so", missing: missing, limit: limit)
            body = [UInt8](try JSONEncoder().encode(problem))
        }
        return NativeFailures.error(TransferResponse(status: status, fields: fields, body: body))
    }

    private static func rejected(_ status: Int, _ cause: Rejection.Cause) -> DestinationError {
        .rejected(Rejection(status: status, cause: cause, detail: "said so"))
    }

    @Test(
        arguments: [
            (400, .digestMismatch, .damaged),
            (400, .malformed, rejected(400, .other)),
            (400, .badName, rejected(400, .nameRefused)),
            (401, .unauthorized, .unauthorized(status: 401)),
            (403, .unauthorized, .unauthorized(status: 403)),
            (404, .unknownSession, .sessionLost),
            (410, .unknownSession, .sessionLost),
            (404, .notFound, rejected(404, .other)),
            (409, .conflict, rejected(409, .conflict)),
            (411, .lengthRequired, rejected(411, .other)),
            (415, .typeRefused, rejected(415, .typeRefused)),
            (416, .notSatisfiable, rejected(416, .other)),
            (429, .tooMany, .busy(status: 429, retryAfter: nil)),
            (500, .internalError, .busy(status: 500, retryAfter: nil)),
            (507, .diskFull, .busy(status: 507, retryAfter: nil)),
        ] as [(Int, NativeProtocol.ProblemType, DestinationError)])
    func `problems of the protocol`(
        status: Int, type: NativeProtocol.ProblemType, expected: DestinationError
    ) throws {
        #expect(try error(status, type) == expected)
    }

    @Test func `missing chunks are told, and so is the limit that was passed`() throws {
        #expect(try error(409, .missingChunks, missing: [2, 5]) == .missing([2, 5]))
        #expect(try error(413, .tooLarge, limit: 100) == Self.rejected(413, .tooLarge(limit: 100)))
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 506, 507, 520, 599])
    func `without a problem type, what time may mend is busy`(status: Int) throws {
        #expect(try error(status, nil) == .busy(status: status, retryAfter: nil))
        #expect(
            try error(status, nil, fields: [.retryAfter: "3"]) == .busy(status: status, retryAfter: .seconds(3)))
    }

    @Test(arguments: [400, 404, 405, 406, 410, 412, 418, 451, 501, 505])
    func `without a problem type, what time does not mend is a refusal`(status: Int) throws {
        #expect(
            try error(status, nil)
                == .rejected(Rejection(status: status, cause: .other, detail: "HTTP status \(status)")))
    }

    @Test(
        arguments: [(401, .unauthorized(status: 401)), (403, .unauthorized(status: 403))] as [(Int, DestinationError)])
    func `a status that says all needs no problem type`(status: Int, expected: DestinationError) throws {
        #expect(try error(status, nil) == expected)
    }

    @Test func `the status alone tells 409, 413 and 415 apart`() throws {
        let causes: [(Int, Rejection.Cause)] = [(409, .conflict), (413, .tooLarge(limit: nil)), (415, .typeRefused)]
        for (status, cause) in causes {
            guard case .rejected(let rejection) = try error(status, nil) else {
                Issue.record("\(status) is no refusal")
                continue
            }
            #expect(rejection.cause == cause)
        }
    }

    @Test func `a redirect is refused, and says where it leads`() throws {
        guard case .rejected(let rejection) = try error(301, nil, fields: [.location: "https://elsewhere/"]) else {
            Issue.record("no refusal")
            return
        }
        #expect(rejection.detail.contains("https://elsewhere/"))
    }

    @Test func `a broken problem is judged by its status`() {
        let response = TransferResponse(
            status: 404, fields: [.contentType: NativeProtocol.problemContentType], body: Array("{".utf8))
        #expect(
            NativeFailures.error(response)
                == .rejected(Rejection(status: 404, cause: .other, detail: "HTTP status 404")))
    }
}
