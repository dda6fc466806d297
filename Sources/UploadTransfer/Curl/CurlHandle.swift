import CCurl
import UploadCore

/// One easy handle with the memory that libcurl reads through it. Used on the curl thread only.
///
/// Handles are used again: connections, names and TLS sessions stay with the multi handle, so that
/// this saves only the allocation, and costs nothing.
final class CurlHandle {
    let easy: UnsafeMutableRawPointer

    private let message: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var failure: CURLcode?

    /// - Returns: nil when there is no memory.
    init?() {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        // libcurl writes its words here until curl_easy_cleanup, so it lives as long as the handle.
        message = .allocate(capacity: Int(CURL_ERROR_SIZE))
        message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headers)
        message.deallocate()
    }

    /// Back to how it was made, but for what libcurl may keep for the next request.
    func reset() {
        curl_easy_reset(easy)
        curl_slist_free_all(headers)
        headers = nil
        failure = nil
        message.pointee = 0
        note(uploadfs_curl_setopt_pointer(easy, CURLOPT_ERRORBUFFER, message))
    }

    func set(_ option: CURLoption, _ value: Int) {
        note(uploadfs_curl_setopt_long(easy, option, value))
    }

    func set(_ option: CURLoption, _ value: String) {
        note(uploadfs_curl_setopt_string(easy, option, value))
    }

    func set(_ option: CURLoption, offset: Int64) {
        note(uploadfs_curl_setopt_offset(easy, option, curl_off_t(offset)))
    }

    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) {
        note(uploadfs_curl_setopt_pointer(easy, option, pointer))
    }

    func set(_ option: CURLoption, callback: uploadfs_curl_transfer_callback) {
        note(uploadfs_curl_setopt_transfer(easy, option, callback))
    }

    /// Lines of the form "Name: value", or "Name:" to leave out one of libcurl's own.
    func set(headers lines: [String]) {
        for line in lines {
            // A null list and no memory look the same; the old list is still ours then.
            guard let longer = curl_slist_append(headers, line) else { return note(CURLE_OUT_OF_MEMORY) }
            headers = longer
        }
        note(uploadfs_curl_setopt_list(easy, CURLOPT_HTTPHEADER, headers))
    }

    func note(_ code: CURLcode) {
        if code != CURLE_OK, failure == nil { failure = code }
    }

    /// - Throws: what the first option that was refused was refused for.
    func checkOptions() throws(DestinationError) {
        guard let failure else { return }
        throw .malformed(detail: String(cString: curl_easy_strerror(failure)))
    }

    /// libcurl's words for what went wrong last.
    func words(for code: CURLcode) -> String {
        let words = String(cString: message)
        return words.isEmpty ? String(cString: curl_easy_strerror(code)) : words
    }

    /// errno of the connect(2) that failed.
    var systemError: Int32 {
        var value = 0
        return uploadfs_curl_getinfo_long(easy, CURLINFO_OS_ERRNO, &value) == CURLE_OK
            ? Int32(truncatingIfNeeded: value) : 0
    }

    var socket: Int32? {
        var value: curl_socket_t = -1
        guard uploadfs_curl_getinfo_socket(easy, &value) == CURLE_OK, value >= 0 else { return nil }
        return value
    }
}
