import Hummingbird
import Logging
import NIOCore

/// What belongs to one request: its parameters, its logger and its connection.
struct WebRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection that the request came on: where an upgrade happens.
    let channel: any Channel
    /// What an answer that says little and the log line that says more have in common.
    let requestID: String

    init(source: ApplicationRequestContextSource) {
        self.init(channel: source.channel, logger: source.logger)
    }

    init(channel: any Channel, logger: Logger) {
        let requestID = String(UInt64.random(in: .min ... .max), radix: 36)
        var logger = logger
        logger[metadataKey: "request"] = "\(requestID)"
        self.requestID = requestID
        self.channel = channel
        coreContext = CoreRequestContextStorage(
            source: ApplicationRequestContextSource(channel: channel, logger: logger))
    }

    /// The peer's IP address. What a request says about its way here is not believed.
    var peerAddress: String { channel.remoteAddress?.ipAddress ?? "unknown" }
    var localPort: Int? { channel.localAddress?.port }
}
