import CCurl
import Glibc

// What libcurl calls while it performs, always on the curl thread. The context is the unretained
// `CurlTransfer` that the loop holds until it has taken the handle out of the multi handle.

private func transfer(_ context: UnsafeMutableRawPointer?) -> CurlTransfer? {
    context.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
}

/// CURLOPT_READFUNCTION(3): the next bytes of the body.
func curlRead(bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?) -> Int {
    let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
    return transfer(context)?.give(buffer) ?? Int(CURL_READFUNC_ABORT)
}

/// CURLOPT_SEEKFUNCTION(3): the body from another place.
func curlSeek(context: UnsafeMutableRawPointer?, offset: curl_off_t, origin: Int32) -> Int32 {
    guard origin == SEEK_SET, transfer(context)?.rewind(to: Int64(offset)) == true else { return CURL_SEEKFUNC_FAIL }
    return CURL_SEEKFUNC_OK
}

/// CURLOPT_HEADERFUNCTION(3): a line of the answer's head.
func curlHeader(bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?) -> Int {
    let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer(context)?.takeHead(line) == true ? line.count : -1
}

/// CURLOPT_WRITEFUNCTION(3): bytes of the answer.
func curlWrite(bytes: UnsafeMutablePointer<CChar>?, size: Int, count: Int, context: UnsafeMutableRawPointer?) -> Int {
    let content = UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer(context)?.takeContent(content) == true ? content.count : -1
}

/// CURLOPT_XFERINFOFUNCTION(3): how far both directions are.
func curlProgress(
    context: UnsafeMutableRawPointer?, downTotal: curl_off_t, down: curl_off_t, upTotal: curl_off_t, up: curl_off_t
) -> Int32 {
    transfer(context)?.moved(up: Int64(up), down: Int64(down))
    return 0
}

/// CURLOPT_PREREQFUNCTION(3): connected, and about to send.
func curlConnected(
    context: UnsafeMutableRawPointer?, remote: UnsafeMutablePointer<CChar>?, local: UnsafeMutablePointer<CChar>?,
    remotePort: Int32, localPort: Int32
) -> Int32 {
    transfer(context)?.connected()
    return CURL_PREREQFUNC_OK
}
