import CCurl
import Glibc
import HTTPTypes
import Testing
import UploadCore

@testable import UploadTransfer

/// Every row of the table from libcurl's codes to our facts.
struct CurlTableTests {
    private func error(_ code: CURLcode, errno: Int32 = 0, connected: Bool) -> DestinationError {
        CurlFailure(code: code, systemError: errno, detail: "words", host: "h", wasConnected: connected).error
    }

    private static let words = "words"

    @Test(arguments: [
        (CURLE_COULDNT_RESOLVE_HOST, DestinationError.unreachable(.unresolved(host: "h"))),
        (CURLE_COULDNT_RESOLVE_PROXY, .unreachable(.unresolved(host: "h"))),
        (CURLE_COULDNT_CONNECT, .unreachable(.other(detail: words))),
        (CURLE_OPERATION_TIMEDOUT, .unreachable(.timedOut)),
        (CURLE_PEER_FAILED_VERIFICATION, .unreachable(.untrusted(detail: words))),
        (CURLE_SSL_CACERT_BADFILE, .unreachable(.untrusted(detail: words))),
        (CURLE_SSL_ISSUER_ERROR, .unreachable(.untrusted(detail: words))),
        (CURLE_SSL_PINNEDPUBKEYNOTMATCH, .unreachable(.untrusted(detail: words))),
        (CURLE_SSL_INVALIDCERTSTATUS, .unreachable(.untrusted(detail: words))),
        (CURLE_SSL_CRL_BADFILE, .unreachable(.untrusted(detail: words))),
        (CURLE_SSL_CERTPROBLEM, .unreachable(.untrusted(detail: words))),
        (CURLE_SSL_CONNECT_ERROR, .unreachable(.other(detail: words))),
        (CURLE_SSL_CIPHER, .unreachable(.other(detail: words))),
        (CURLE_SSL_ENGINE_NOTFOUND, .unreachable(.other(detail: words))),
        (CURLE_PROXY, .unreachable(.other(detail: words))),
        (CURLE_INTERFACE_FAILED, .unreachable(.other(detail: words))),
        (CURLE_OUT_OF_MEMORY, .unreachable(.other(detail: words))),
    ])
    func `before there is a connection`(code: CURLcode, expected: DestinationError) {
        #expect(error(code, connected: false) == expected)
    }

    @Test(arguments: [
        (CURLE_OPERATION_TIMEDOUT, DestinationError.broken(.stalled)),
        (CURLE_SEND_ERROR, .broken(.reset)),
        (CURLE_RECV_ERROR, .broken(.reset)),
        (CURLE_GOT_NOTHING, .broken(.reset)),
        (CURLE_SEND_FAIL_REWIND, .broken(.reset)),
        (CURLE_PARTIAL_FILE, .broken(.truncated)),
        (CURLE_URL_MALFORMAT, .malformed(detail: words)),
        (CURLE_UNSUPPORTED_PROTOCOL, .malformed(detail: words)),
        (CURLE_WEIRD_SERVER_REPLY, .malformed(detail: words)),
        (CURLE_BAD_CONTENT_ENCODING, .malformed(detail: words)),
        (CURLE_WRITE_ERROR, .malformed(detail: words)),
        (CURLE_TOO_MANY_REDIRECTS, .malformed(detail: words)),
        (CURLE_FILESIZE_EXCEEDED, .malformed(detail: words)),
        (CURLE_ABORTED_BY_CALLBACK, .cancelled),
        (CURLE_HTTP2, .broken(.other(detail: words))),
    ])
    func `once there is one`(code: CURLcode, expected: DestinationError) {
        #expect(error(code, connected: true) == expected)
    }

    @Test(arguments: [
        (ECONNREFUSED, DestinationError.unreachable(.refused)),
        (ETIMEDOUT, .unreachable(.timedOut)),
        (EHOSTUNREACH, .unreachable(.other(detail: words))),
    ])
    func `connect(2) says why`(errno: Int32, expected: DestinationError) {
        #expect(error(CURLE_COULDNT_CONNECT, errno: errno, connected: false) == expected)
    }
}
