import CCurl
import UploadCore

/// The multi handle.
///
/// `@unchecked Sendable`: all calls are made on the one curl thread, but for `wake`, which libcurl
/// allows from any thread (curl_multi_wakeup(3)). That it is never made after `free` is the promise
/// of `CurlInbox`, which calls it under its lock and only while it is open.
struct CurlMulti: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    /// libcurl's own start, once in a process and before any other call (curl_global_init(3)).
    private static let started = curl_global_init(Int(CURL_GLOBAL_SSL | CURL_GLOBAL_WIN32)) == CURLE_OK

    init(options: CurlOptions) throws(DestinationError) {
        guard Self.started, let handle = curl_multi_init() else {
            throw .unreachable(.other(detail: "libcurl could not be started"))
        }
        self.handle = handle
        // Idle connections that are kept: as many as may be in use, so that none is opened anew.
        _ = uploadfs_curl_multi_setopt_long(handle, CURLMOPT_MAXCONNECTS, options.maximumConnections)
        _ = uploadfs_curl_multi_setopt_long(handle, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    func wake() {
        _ = curl_multi_wakeup(handle)
    }

    func add(_ easy: CurlHandle) -> CURLMcode {
        curl_multi_add_handle(handle, easy.easy)
    }

    func remove(_ easy: CurlHandle) {
        _ = curl_multi_remove_handle(handle, easy.easy)
    }

    func perform() -> CURLMcode {
        var running: Int32 = 0
        return curl_multi_perform(handle, &running)
    }

    /// Waits until a connection moves, libcurl has something to do, `wake` is called or `limit` has passed.
    func poll(limit: Duration) -> CURLMcode {
        curl_multi_poll(handle, nil, 0, Int32(limit.wholeMilliseconds), nil)
    }

    /// The next transfer that has come to its end.
    func nextDone() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle, &left)?.pointee {
            if message.msg == CURLMSG_DONE { return (message.easy_handle, message.data.result) }
        }
        return nil
    }

    /// Call once all handles have been removed, and nothing after it.
    func free() {
        _ = curl_multi_cleanup(handle)
    }
}

extension Duration {
    /// Rounded up, so that a wait for it never ends too early, and cut to what a C int holds.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return max(0, Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}
