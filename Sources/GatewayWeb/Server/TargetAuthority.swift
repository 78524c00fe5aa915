import NIOCore
import NIOHTTP1

/// Makes a request whose target names a host itself, `GET https://other/path`, a request to that host.
///
/// RFC 9112 §3.2.2: such a target counts and the Host field does not. The layers above see the path alone, so without
/// this the check of the host would look at a field that a proxy in between did not go by.
final class TargetAuthority: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), !head.uri.hasPrefix("/") else {
            return context.fireChannelRead(data)
        }
        let parts = head.uri.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        // "https:", "", "other:443", the rest. Any other form, such as CONNECT's, has no path and gets no answer.
        let authority = parts.count > 2 ? parts[2].prefix { $0 != "?" && $0 != "#" } : ""
        head.headers.replaceOrAdd(name: "Host", value: String(authority))
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}
