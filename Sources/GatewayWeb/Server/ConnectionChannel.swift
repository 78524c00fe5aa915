import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL

/// One connection of the web face: TLS when configured, HTTP/1.1, and the handler that can turn it into a WebSocket.
///
/// HTTP/2 is not offered: WebSockets over it do not exist here, and one kind of connection has one kind of limit.
struct ConnectionChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let responder: HTTPChannelHandler.Responder
    let certificate: TLSCertificate?
    let connections: OpenConnections
    let limits: WebLimits

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let isAdmitted = connections.admit(channel)
            let pipeline = channel.pipeline.syncOperations
            if let certificate {
                try pipeline.addHandler(NIOSSLServerHandler(context: certificate.context))
            }
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerFieldBytes
            decoderLimits.maxHeaderListSize = limits.headerBytes
            decoderLimits.maxHeaderFieldCount = limits.headerFields
            let encoder = HTTPResponseEncoder()
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoderLimits))
            let codec = HTTP1ToHTTPServerCodec(secure: certificate != nil)
            let target = TargetAuthority()
            let deadlines = RequestDeadlines(limits: limits)
            try pipeline.addHandlers([encoder, decoder, target, codec, deadlines])
            try pipeline.addHandler(InputEnd(eventLoop: channel.eventLoop))
            try pipeline.addHandler(
                HTTPUpgradeHandler(decoder: decoder, otherHTTPHandlers: [encoder, target, codec, deadlines]))
            let asyncChannel = try Value(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            if !isAdmitted { channel.close(promise: nil) }
            return asyncChannel
        }
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}
