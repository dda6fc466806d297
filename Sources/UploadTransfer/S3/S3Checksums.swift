import HTTPTypes
import Synchronization
import UploadCore

/// Whether a server keeps checksums with objects ("Checking object integrity in Amazon S3"). Told by its answers, once.
///
/// What is asked for is a CRC-64/NVME of each part, which S3 compares with what has arrived, and one of the whole
/// object, which is made up of them. A server without them loses little: each request's payload is signed with its
/// SHA-256 as well.
final class S3Checksums: Sendable {
    enum Support: Sendable, Hashable {
        case unknown
        /// Its answers tell the checksum.
        case kept
        /// It takes the fields, and says nothing of them.
        case ignored
        /// It takes no request that has them.
        case refused
    }

    private let state = Mutex(Support.unknown)

    var support: Support { state.withLock { $0 } }

    /// Requests are made with them.
    var areSent: Bool { support != .refused }

    static let field = "x-amz-checksum-crc64nvme"

    /// The fields of a request that begins an object of parts.
    static let announcement = [
        (name: "x-amz-checksum-algorithm", value: "CRC64NVME"), (name: "x-amz-checksum-type", value: "FULL_OBJECT"),
    ]

    /// What a server may answer that does not know the fields, and other requests as well.
    static func mayBeRefusal(_ response: TransferResponse) -> Bool {
        guard response.status == 400 || response.status == 501 else { return false }
        return switch S3Failures.report(response)?.code {
        case nil, "NotImplemented"?, "InvalidRequest"?, "InvalidArgument"?, "InvalidHeader"?: true
        default: false
        }
    }

    /// A request went well without them that did not with them.
    func wereRefused() {
        state.withLock { $0 = .refused }
    }

    /// Of an answer that is a success.
    /// - Parameter sent: nil: none.
    /// - Throws: `damaged` when the server has another one: what the request has counted as sent is taken back.
    func check(
        _ response: TransferResponse, to request: S3Request, _ sent: CRC64NVME?
    ) throws(DestinationError) {
        guard let sent, areSent else { return }
        let told = HTTPField.Name(Self.field).flatMap { response.fields[$0] }
        guard let told else { return state.withLock { if $0 == .unknown { $0 = .ignored } } }
        state.withLock { $0 = .kept }
        guard CRC64NVME(told) == sent else {
            request.sent?.add(-(request.body.length ?? 0))
            throw .damaged
        }
    }
}
