import Crypto
import FoundationEssentials
import Glibc
import HTTPTypes
import Synchronization
import UploadCore

/// A request to S3, not yet signed.
struct S3Request: Sendable {
    var method: HTTPRequest.Method
    /// nil: about the bucket.
    var key: String?
    /// Not encoded.
    var query: [(name: String, value: String)] = []
    var fields: [(name: String, value: String)] = []
    var body: TransferRequest.Body = .none
    /// The SHA-256 of the body in hexadecimal digits.
    var payloadHash = S3Request.emptyHash
    var operation: String
    var answerTime: Duration?
    var sent: ByteCounter?
    /// Fields that a server may know nothing of: left out where it does not take them.
    var checksums: [(name: String, value: String)] = []
    /// A refusal says why.
    var isExplained = true
    /// As `TransferRequest` has it.
    var answerLimit: Int?

    /// Of no bytes.
    static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
}

/// A bucket and how to ask it something: the work that is the same for every request, done in one place.
final class S3Endpoint: Sendable {
    let location: S3Location
    let options: S3Options
    let lanes = HashingLanes(count: 2)
    let checksums = S3Checksums()
    let restamping = S3Restamping()
    private let client: CurlClient
    private let source: any S3CredentialSource
    private let learned: Mutex<Learned>
    /// What the last request was signed with.
    private let signer = Mutex<SignatureV4?>(nil)

    /// What answers have told.
    private struct Learned: Equatable {
        var region: String
        /// Seconds that the server's clock is ahead of ours, where that matters.
        var skew = 0
    }

    init(
        _ location: S3Location, client: CurlClient, credentials: any S3CredentialSource, options: S3Options
    ) {
        self.location = location
        self.client = client
        source = credentials
        self.options = options
        learned = Mutex(Learned(region: location.region ?? S3Location.defaultRegion))
    }

    /// The one that requests are signed for, as far as answers have told.
    var region: String { learned.withLock(\.region) }

    /// Asks, and takes nothing but a success for an answer. What the server tells of its region and its clock is
    /// learned, and the request made again with that, once; and once with other credentials, where it does not accept
    /// the first ones and there are others.
    func ask(_ request: S3Request) async throws(DestinationError) -> TransferResponse {
        let response = try await answer(request)
        guard response.isSuccess else { throw S3Failures.error(response) }
        return response
    }

    /// The same for who takes other answers, too.
    func answer(_ request: S3Request) async throws(DestinationError) -> TransferResponse {
        var request = request
        if !checksums.areSent { request.checksums = [] }
        let response = try await answerOnce(request)
        // Also where another kind of request has gone well with them.
        guard !request.checksums.isEmpty, checksums.support != .kept, S3Checksums.mayBeRefusal(response) else {
            return response
        }
        request.checksums = []
        let plain = try await answerOnce(request)
        if plain.isSuccess { checksums.wereRefused() }
        return plain
    }

    private func answerOnce(_ request: S3Request) async throws(DestinationError) -> TransferResponse {
        var known = learned.withLock { $0 }
        let credentials = try await credentials()
        var response = try await client.perform(signed(request, known, credentials))
        // Its region, and its clock: it tells of one at a time.
        for _ in 0..<2 {
            guard !response.isSuccess, let more = learn(from: response, after: known) else { break }
            known = more
            response = try await client.perform(signed(request, known, credentials))
        }
        guard request.isExplained, let others = await others(than: credentials, after: response) else {
            return response
        }
        return try await client.perform(signed(request, known, others))
    }

    private func credentials() async throws(DestinationError) -> S3Credentials {
        do throws(S3CredentialFailure) {
            return try await source.credentials()
        } catch {
            switch error {
            case .configuration(let sentence), .passing(let sentence): throw .noCredentials(detail: sentence)
            case .cancelled: throw .cancelled
            }
        }
    }

    /// - Returns: nil when the answer is not about the credentials, or there are no others. That there are none at all
    ///   any more does not change what the server said.
    private func others(than refused: S3Credentials, after response: TransferResponse) async -> S3Credentials? {
        guard !response.isSuccess, case .unauthorized = S3Failures.error(response) else { return nil }
        source.refused(refused)
        let others = try? await source.credentials()
        return others == refused ? nil : others
    }

    /// The same for an answer that is an XML document.
    func document(_ request: S3Request, named name: String) async throws(DestinationError) -> S3Element {
        try Self.root(of: await ask(request), to: request, named: name)
    }

    static func root(
        of response: TransferResponse, to request: S3Request, named name: String
    ) throws(DestinationError) -> S3Element {
        guard let root = S3Document.parse(response.body) else {
            throw .malformed(detail: "the answer to \(request.operation) is no XML")
        }
        // Sent before the server knew how it would end.
        if root.name == "Error" { throw S3Failures.error(response) }
        // rclone's server leaves the end of a name out.
        guard root.name == name || root.name + "Result" == name else {
            throw .malformed(detail: "the answer to \(request.operation) is a \(root.name), and no \(name)")
        }
        return root
    }

    /// - Parameter known: what the request was made with.
    /// - Returns: what may mend it; nil: nothing that is new. Another request may have learned it meanwhile.
    private func learn(from response: TransferResponse, after known: Learned) -> Learned? {
        let report = S3Failures.report(response)
        let region = report?.region ?? HTTPField.Name("x-amz-bucket-region").flatMap { response.fields[$0] }
        return learned.withLock { learned in
            if let region, !region.isEmpty, [301, 307, 400, 403].contains(response.status) { learned.region = region }
            if report?.code == "RequestTimeTooSkewed", let date = response.fields[.date].flatMap(HTTPDate.seconds) {
                let skew = date - time(nil)
                if abs(skew - learned.skew) > 1 { learned.skew = skew }
            }
            return learned == known ? nil : learned
        }
    }

    /// Its key is derived once a day, not with every request.
    private func signer(_ credentials: S3Credentials, _ region: String, at date: String) -> SignatureV4 {
        signer.withLock { last in
            if let last, last.isOf(credentials, region, at: date) { return last }
            let fresh = SignatureV4(credentials: credentials, region: region, at: date)
            last = fresh
            return fresh
        }
    }

    /// Signed as of now.
    private func signed(_ request: S3Request, _ known: Learned, _ credentials: S3Credentials) -> TransferRequest {
        let host = location.host(in: known.region)
        let date = SignatureV4.amzDate(time(nil) + known.skew)
        let path = location.path(request.key)
        let query = request.query.map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
        var fields = request.fields + request.checksums
        fields.append(("x-amz-content-sha256", request.payloadHash))
        fields.append(("x-amz-date", date))
        if let token = credentials.sessionToken { fields.append(("x-amz-security-token", token)) }
        let subject = SignatureV4.Subject(
            method: request.method.rawValue, path: path, query: query, fields: fields + [("host", host)],
            payloadHash: request.payloadHash)
        let authorization = signer(credentials, known.region, at: date).authorization(subject, at: date)
        var sent = HTTPFields()
        for field in fields + [("authorization", authorization)] {
            guard let name = HTTPField.Name(field.name) else { continue }
            sent.append(HTTPField(name: name, value: field.value))
        }
        let words = query.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
        return TransferRequest(
            method: request.method, url: "\(location.scheme)://\(host)\(path)" + (words.isEmpty ? "" : "?\(words)"),
            fields: sent, body: request.body, operation: request.operation, answerTime: request.answerTime,
            sent: request.sent, answerLimit: request.answerLimit)
    }
}
