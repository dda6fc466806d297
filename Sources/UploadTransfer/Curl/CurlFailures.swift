import CCurl
import Glibc
import UploadCore

/// What libcurl knows about a transfer that failed.
struct CurlFailure {
    let code: CURLcode
    /// CURLINFO_OS_ERRNO: errno of the connect(2) that failed; 0 when there is none.
    let systemError: Int32
    /// libcurl's own words.
    let detail: String
    let host: String
    /// There was a connection, so the request may have been carried out.
    let wasConnected: Bool
}

/// The one table from libcurl's result codes (libcurl-errors(3)) to the facts the engine decides upon.
extension CurlFailure {
    var error: DestinationError {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            .unreachable(.unresolved(host: host))
        case CURLE_COULDNT_CONNECT:
            unconnected
        case CURLE_OPERATION_TIMEDOUT:
            wasConnected ? .broken(.stalled) : .unreachable(.timedOut)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CRL_BADFILE,
            CURLE_SSL_CERTPROBLEM:
            .unreachable(.untrusted(detail: detail))
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_ENGINE_NOTFOUND, CURLE_PROXY,
            CURLE_INTERFACE_FAILED:
            .unreachable(.other(detail: detail))
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_SEND_FAIL_REWIND:
            .broken(.reset)
        case CURLE_PARTIAL_FILE:
            .broken(.truncated)
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING,
            CURLE_WRITE_ERROR, CURLE_TOO_MANY_REDIRECTS, CURLE_FILESIZE_EXCEEDED:
            .malformed(detail: detail)
        case CURLE_ABORTED_BY_CALLBACK:
            .cancelled
        default:
            // A C enum that grows with every release. What we have no fact for is tried again, as
            // after any other break.
            wasConnected ? .broken(.other(detail: detail)) : .unreachable(.other(detail: detail))
        }
    }

    private var unconnected: DestinationError {
        switch systemError {
        case ECONNREFUSED: .unreachable(.refused)
        case ETIMEDOUT: .unreachable(.timedOut)
        default: .unreachable(.other(detail: detail))
        }
    }
}
