import FoundationEssentials
import HTTPTypes
import UploadCore

/// Where a server of the native protocol is, and how to ask it something: the work that is the same
/// for every request, done in one place.
struct NativeEndpoint: Sendable {
    let client: CurlClient
    let credentials: @Sendable () -> String?
    let options: NativeOptions
    let lanes: HashingLanes
    private let base: String

    init(
        baseURL: String, client: CurlClient, credentials: @escaping @Sendable () -> String?, options: NativeOptions,
        lanes: HashingLanes
    ) {
        self.client = client
        self.credentials = credentials
        self.options = options
        self.lanes = lanes
        base = String(baseURL.reversed().drop { $0 == "/" }.reversed())
    }

    func url(_ path: String) -> String { "\(base)/\(path)" }

    /// Of a session's own resources; `more` is already encoded.
    func url(_ path: String, session: SessionToken, _ more: String = "") -> String {
        url("\(path)?session=\(PercentEncoding.encode(session.rawValue))\(more)")
    }

    /// Asks, and takes nothing but a success for an answer.
    @discardableResult
    func ask(_ request: TransferRequest) async throws(DestinationError) -> TransferResponse {
        let response = try await answer(request)
        guard response.isSuccess else { throw NativeFailures.error(response) }
        return response
    }

    /// The same for who takes other answers, too.
    func answer(_ request: TransferRequest) async throws(DestinationError) -> TransferResponse {
        var request = request
        // Read anew each time: a token file may have been replaced.
        if let token = credentials() { request.fields[.authorization] = "Bearer \(token)" }
        return try await client.perform(request)
    }

    /// The same for an answer in JSON, which `read` checks and takes what is wanted from.
    /// - Parameter empty: what an answer without a body stands for; nil: it is none.
    func ask<Answer: Decodable, Value>(
        _ request: TransferRequest, empty: Answer? = nil, _ read: (Answer) throws(DestinationError) -> Value
    ) async throws(DestinationError) -> Value {
        let response = try await ask(request)
        do throws(DestinationError) {
            if let empty, response.body.isEmpty { return try read(empty) }
            return try read(decode(response, of: request))
        } catch {
            // The client counted the bytes of a success. This is none.
            request.sent?.add(-(request.body.length ?? 0))
            throw error
        }
    }

    private func decode<Answer: Decodable>(
        _ response: TransferResponse, of request: TransferRequest
    ) throws(DestinationError) -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(response.body))
        } catch {
            throw .malformed(detail: "the answer to \(request.operation) is not what the protocol says")
        }
    }

    /// A POST of JSON.
    func post(
        _ url: String, _ body: some Encodable, operation: String, answerTime: Duration? = nil
    ) throws(DestinationError) -> TransferRequest {
        do {
            let bytes = [UInt8](try JSONEncoder().encode(body))
            return TransferRequest(
                method: .post, url: url, fields: [.contentType: "application/json"], body: .bytes(bytes),
                operation: operation, answerTime: answerTime)
        } catch {
            throw .malformed(detail: "\(operation) can't be written as JSON")
        }
    }
}

/// Runs what may fail on the spool as part of a request.
func fromSpool<Value>(_ work: () async throws(SpoolError) -> Value) async throws(DestinationError) -> Value {
    do throws(SpoolError) {
        return try await work()
    } catch {
        throw .source(error)
    }
}
