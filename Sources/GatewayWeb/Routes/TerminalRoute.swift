import Crypto
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import NIOWebSocket

/// `GET /api/terminal`: the WebSocket of the terminals. An ordinary route that decides; its 101 response is the
/// upgrade.
struct TerminalRoute: Sendable {
    static let subprotocol = "copilot.term.v1"

    let endpoint: any TerminalEndpoint
    let limits: WebLimits
    /// Whether a sign-in that was good a moment ago still is.
    let isStillSignedIn: @Sendable (Caller) async -> Bool

    func add(to routes: RouteTable) {
        routes.seated(.get, "/api/terminal") { call, caller in
            try await connect(call, caller)
        }
    }

    private func connect(_ call: Call, _ caller: Caller) async throws -> Response {
        let key = try Self.handshakeKey(call.request)
        let makeSession = try await endpoint.accept(caller)
        let (limits, isStillSignedIn) = (limits, isStillSignedIn)
        let channel = call.context.channel
        let isPrepared = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: HTTPUpgradeHandler.self).prepare { channel in
                Self.watch(caller, on: channel, every: limits.signInCheckInterval, isStillSignedIn)
                return [
                    WebSocketFrameEncoder(),
                    ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: limits.messageBytes)),
                    WebSocketMessages(limits: limits),
                    try makeSession(channel),
                ]
            }
        }.get()
        guard isPrepared else { throw Self.notAHandshake }
        var response = Response(status: .switchingProtocols)
        response.headers[.upgrade] = "websocket"
        response.headers[.connection] = "upgrade"
        response.headers[.secWebSocketAccept] = Self.acceptKey(for: key)
        response.headers[.secWebSocketProtocol] = Self.subprotocol
        return response
    }

    /// Ends the connection when the sign-in behind it does.
    ///
    /// Those who sign out here are told at once. This finds the others: who signed out while the connection was on its
    /// way, whose sign-in came to its absolute end, and who was disabled by another process.
    private static func watch(
        _ caller: Caller, on channel: any Channel, every interval: TimeAmount,
        _ isStillSignedIn: @escaping @Sendable (Caller) async -> Bool
    ) {
        let checks = channel.eventLoop.scheduleRepeatedAsyncTask(initialDelay: .zero, delay: interval) { _ in
            channel.eventLoop.makeFutureWithTask {
                if await isStillSignedIn(caller) { return }
                channel.triggerUserOutboundEvent(
                    CloseWebSocket(code: 1008, reason: "The sign-in has ended."), promise: nil)
            }
        }
        channel.closeFuture.whenComplete { _ in checks.cancel() }
    }

    /// The client's key, when the request is a handshake of RFC 6455 §4.2.1 for our subprotocol.
    private static func handshakeKey(_ request: Request) throws -> String {
        let fields = request.headers
        let subprotocols = fields[values: .secWebSocketProtocol].flatMap { $0.split(separator: ",") }
        guard
            request.method == .get, fields[.upgrade]?.lowercased() == "websocket", fields[.secWebSocketVersion] == "13",
            let key = fields[.secWebSocketKey], Data(base64Encoded: key)?.count == 16,
            subprotocols.contains(where: { $0.trimmingCharacters(in: .whitespaces) == subprotocol })
        else { throw notAHandshake }
        return key
    }

    private static var notAHandshake: GatewayError {
        GatewayError(
            "upgrade_required", status: 426, "This address speaks WebSocket with the subprotocol \(subprotocol) only.",
            hint: "Open it with a WebSocket client, version 13.")
    }

    /// RFC 6455 §4.2.2: the proof that this server understood a WebSocket handshake.
    private static func acceptKey(for key: String) -> String {
        let text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        return Data(Insecure.SHA1.hash(data: Data(text.utf8))).base64EncodedString()
    }
}
