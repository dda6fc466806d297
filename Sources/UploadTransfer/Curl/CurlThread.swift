import Glibc
import UploadCore

/// Starts a thread of its own for a loop, which it owns from then on.
enum CurlThread {
    static func start(_ loop: CurlLoop) throws(DestinationError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        // Nobody joins it: who waits for its end waits at the inbox.
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        // The thread takes this reference back as its first act; nobody else uses the loop after this.
        let context = Unmanaged.passRetained(loop)
        let failure = pthread_create(&thread, &attributes, curlThreadMain, context.toOpaque())
        guard failure == 0 else {
            context.release()
            throw .unreachable(.other(detail: "no thread for libcurl: \(String(cString: strerror(failure)))"))
        }
    }
}

private func curlThreadMain(context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    // OpenSSL writes to sockets without MSG_NOSIGNAL: a peer that hangs up must be EPIPE, not SIGPIPE.
    // Other signals are for threads that expect them. libcurl's resolver threads inherit this.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    if let context { Unmanaged<CurlLoop>.fromOpaque(context).takeRetainedValue().run() }
    return nil
}
