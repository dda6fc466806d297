import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import UploadCore

/// How answers are put together.
enum Answers {
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws(Refusal) -> Response {
        try make(value, status: status, contentType: "application/json")
    }

    static func problem(_ refusal: Refusal) -> Response {
        let problem = refusal.problem
        let status = HTTPResponse.Status(code: problem.status)
        var response: Response
        do throws(Refusal) {
            response = try make(problem, status: status, contentType: NativeProtocol.problemContentType)
        } catch {
            response = Response(status: status)
        }
        if let seconds = refusal.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        switch refusal {
        case .unauthorized: response.headers[.wwwAuthenticate] = "Bearer realm=\"uploadfs\""
        case .methodNotAllowed(let allowed): response.headers[.allow] = allowed
        case .malformed, .badName, .noSuchRoute, .lengthRequired, .tooLarge, .typeRefused, .rangeNotSatisfiable, .store:
            break
        }
        return response
    }

    private static func make(
        _ value: some Encodable, status: HTTPResponse.Status, contentType: String
    ) throws(Refusal) -> Response {
        do {
            let encoder = JSONEncoder()
            // Sorted, so that the same answer is the same bytes.
            encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
            let body = ByteBuffer(bytes: try encoder.encode(value))
            return Response(
                status: status, headers: [.contentType: contentType], body: ResponseBody(byteBuffer: body))
        } catch {
            throw .malformed("The answer can't be written as JSON.")
        }
    }
}
