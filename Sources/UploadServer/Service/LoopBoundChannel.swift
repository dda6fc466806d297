import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// Hummingbird's HTTP/1 channel, with each connection handled on its own event loop.
struct LoopBoundChannel: ServerChildChannel {
    private let http: HTTP1Channel

    /// A connection on which nothing happens for so long is closed.
    private static let idleTimeout = TimeAmount.seconds(120)

    /// - Parameter wantsBody: whether a request that asks first (Expect: 100-continue) shall send its body. One that is
    ///   going to be refused gets only its refusal.
    init(responder: @escaping HTTPChannelHandler.Responder, wantsBody: @escaping @Sendable (Request) -> Bool) {
        http = HTTP1Channel(
            responder: { request, writer, channel in
                if request.headers[.expect]?.lowercased() == "100-continue", wantsBody(request) {
                    try await writer.writeInformationalHead(HTTPResponse(status: .continue))
                }
                try await responder(request, writer, channel)
            },
            configuration: .init(idleTimeout: Self.idleTimeout))
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger)
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopTaskExecutor(value.channel.eventLoop)) {
            await http.handle(value: value, logger: logger)
        }
    }
}
