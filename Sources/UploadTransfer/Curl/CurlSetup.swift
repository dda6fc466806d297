import CCurl
import HTTPTypes
import UploadCore

/// A request and the client's options, as options of an easy handle (curl_easy_setopt(3)).
extension CurlHandle {
    func prepare(_ transfer: CurlTransfer, options: CurlOptions) throws(DestinationError) {
        reset()
        setConnection(to: transfer.host, within: transfer.job.request.connectTime, options: options)
        setRequest(transfer.job.request)
        setCallbacks(Unmanaged.passUnretained(transfer).toOpaque())
        try checkOptions()
    }

    private func setConnection(to host: Authority, within connectTime: Duration?, options: CurlOptions) {
        // Signals belong to the process, not to a library's timeouts. SIGPIPE is blocked on our thread.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        // Several chunks at once want several connections, each with its own flow control.
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_TCP_NODELAY, 1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_UPLOAD_BUFFERSIZE, options.sendBuffer)
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, (connectTime ?? options.connectTimeout).wholeMilliseconds))
        // Without this, giving up on a name server that does not answer waits for it: on the one thread.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = options.certificateAuthorities { set(CURLOPT_CAINFO, file) }
        // A proxy from the environment would look for 127.0.0.1 on its own machine, and for 169.254.169.254 beside it.
        if host.isLoopback || host.isLinkLocal { set(CURLOPT_PROXY, "") }
        set(CURLOPT_USERAGENT, "uploadfs/\(UploadCore.version)")
    }

    private func setRequest(_ request: TransferRequest) {
        set(CURLOPT_URL, request.url)
        if let length = request.body.length {
            set(CURLOPT_UPLOAD, 1)
            set(CURLOPT_INFILESIZE_LARGE, offset: length)
        } else if request.method == .head {
            set(CURLOPT_NOBODY, 1)
        } else {
            set(CURLOPT_HTTPGET, 1)
        }
        if request.method != .head { set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
        // An empty "Expect:" is none: waiting a second for "100 Continue" costs more than it saves.
        // "Name;" is how libcurl spells a field without value (CURLOPT_HTTPHEADER(3)).
        set(headers: ["Expect:"] + request.fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" })
    }

    private func setCallbacks(_ context: UnsafeMutableRawPointer) {
        set(CURLOPT_READFUNCTION, callback: curlRead)
        set(CURLOPT_READDATA, pointer: context)
        note(uploadfs_curl_setopt_seek(easy, curlSeek))
        set(CURLOPT_SEEKDATA, pointer: context)
        set(CURLOPT_HEADERFUNCTION, callback: curlHeader)
        set(CURLOPT_HEADERDATA, pointer: context)
        set(CURLOPT_WRITEFUNCTION, callback: curlWrite)
        set(CURLOPT_WRITEDATA, pointer: context)
        set(CURLOPT_NOPROGRESS, 0)
        note(uploadfs_curl_setopt_progress(easy, curlProgress))
        set(CURLOPT_XFERINFODATA, pointer: context)
        note(uploadfs_curl_setopt_connected(easy, curlConnected))
        set(CURLOPT_PREREQDATA, pointer: context)
    }
}
