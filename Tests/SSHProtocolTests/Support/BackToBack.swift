import NIOCore
import SSHCrypto
import Testing

@testable import SSHProtocol

/// A client and a scripted server joined without sockets, under a clock that only the test moves.
final class BackToBack {
    var client: ConnectionMachine
    let server: ScriptedServer
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var events: [ConnectionEvent] = []
    /// Whether the host key question is answered with yes.
    var acceptsHostKey = true
    /// Bytes of the server that go into one read of the client; nil: everything at once.
    var chunk: (() -> Int)?

    init(
        _ server: ScriptedServer = ScriptedServer(), _ change: (inout ClientConfiguration) -> Void = { _ in }
    ) {
        self.server = server
        var configuration = ClientConfiguration(username: "user")
        change(&configuration)
        client = ConnectionMachine(client: configuration, random: randomBytes)
    }

    /// Joined, shaken hands, authenticated.
    static func connected(
        _ server: ScriptedServer = ScriptedServer(), _ change: (inout ClientConfiguration) -> Void = { _ in }
    ) throws -> BackToBack {
        let pair = BackToBack(server, change)
        try pair.begin()
        try #require(pair.error == nil)
        try #require(pair.summaries.contains("authenticated"))
        return pair
    }

    func begin() throws {
        client.start(now: now)
        try server.start()
        try pump()
    }

    /// Carries bytes back and forth until neither side has any.
    func pump() throws {
        takeEvents()
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            while let bytes = client.drainOutput(now: now) {
                isQuiet = false
                try server.receive(bytes)
            }
            if let bytes = server.take() {
                isQuiet = false
                deliver(bytes)
            }
        }
        takeEvents()
    }

    func deliver(_ bytes: ByteBuffer) {
        var rest = bytes
        while rest.readableBytes > 0 {
            let length = min(rest.readableBytes, max(1, chunk?() ?? rest.readableBytes))
            // A copy of its own, as a socket's read would be.
            client.receive(
                ByteBuffer(bytes: Array((rest.readSlice(length: length) ?? ByteBuffer()).readableBytesView)), now: now)
            takeEvents()
        }
    }

    func takeEvents() {
        while let event = client.nextEvent() {
            events.append(event)
            if case .verifyHostKey = event, acceptsHostKey { client.acceptHostKey(now: now) }
        }
    }

    /// The server sends one message and everything that follows from it happens.
    func serve(_ messages: ByteBuffer...) throws {
        for message in messages { try server.send(message) }
        try pump()
    }

    /// Time passes, tick by tick.
    func wait(_ amount: TimeAmount) throws {
        let end = now + amount
        while let deadline = client.nextDeadline, deadline <= end {
            now = max(now, deadline)
            client.tick(now: now)
            try pump()
        }
        now = end
    }

    func openChannel(window: UInt32 = 1 << 20, maximumPacket: UInt32 = 32768) throws -> ChannelID {
        let id = try client.openSession()
        try pump()
        try serve(.confirmation(id.number, sender: 70 + id.number, window: window, maximumPacket: maximumPacket))
        return id
    }

    // MARK: The owner's wishes

    func openSession() throws -> ChannelID { try client.openSession() }

    func ping() throws -> RequestToken { try client.ping() }

    func request(_ request: SessionRequest, on id: ChannelID, wantsReply: Bool) -> RequestToken? {
        client.request(request, on: id, wantsReply: wantsReply)
    }

    func write(_ data: ByteBuffer, on id: ChannelID) -> Bool { client.write(data, on: id) }

    func consumed(_ bytes: Int, on id: ChannelID) -> Bool { client.consumed(bytes, on: id) }

    func drain() -> ByteBuffer? { client.drainOutput(now: now) }

    // MARK: What happened

    /// Why the connection ended, if it did.
    var error: ProtocolError? {
        for case .closed(let error) in events { return error }
        return nil
    }

    var summaries: [String] { events.map(\.summary) }

    /// The reason code the client gave to the server in its DISCONNECT.
    var disconnectReason: UInt32? {
        guard let last = server.received.last(where: { $0.getInteger(at: $0.readerIndex, as: UInt8.self) == 1 }) else {
            return nil
        }
        return last.getInteger(at: last.readerIndex + 1, as: UInt32.self)
    }

    /// Everything the client sent as channel data.
    var dataAtServer: [UInt8] {
        server.received.filter { $0.getInteger(at: $0.readerIndex, as: UInt8.self) == 94 }
            .flatMap { $0.getBytes(at: $0.readerIndex + 9, length: $0.readableBytes - 9) ?? [] }
    }

    /// Everything the client received as channel data.
    var dataAtClient: [UInt8] {
        events.flatMap { event -> [UInt8] in
            guard case .channel(_, .data(_, let bytes)) = event else { return [] }
            return Array(bytes.readableBytesView)
        }
    }
}

extension ConnectionEvent {
    var summary: String {
        switch self {
        case .banner(let text): "banner \(text)"
        case .verifyHostKey(let offer): "verify \(offer.algorithm.rawValue)"
        case .prompt(let prompt): "prompt \(prompt.questions.map(\.text))"
        case .keysChanged: "keys"
        case .passwordExpired(let prompt): "expired \(prompt.text)"
        case .sign(let request): "sign \(request.algorithm)"
        case .mayOfferKey(let username, _): "offer \(username)"
        case .authorize(let request): "authorize \(request.method.name)"
        case .hostKeysOffered(let keys): "host keys \(keys.count)"
        case .pong: "pong"
        case .authenticated: "authenticated"
        case .channel(let id, let event): "\(id.number) \(event.summary)"
        case .globalReply(_, let success): "global \(success)"
        case .channelOpen(let id, let request): "\(id.number) asked \(request.type)"
        case .globalRequest(let request): "global asked \(request.kind)"
        case .forwardAnswer(_, let forward): "forward \(forward.map { "\($0)" } ?? "refused")"
        case .closed(let error): "closed \(error.code.rawValue)"
        }
    }
}

extension SessionChannelEvent {
    var summary: String {
        switch self {
        case .opened: "opened"
        case .refused(let reason, let words): "refused \(reason) \(words)"
        case .data(let stream, let bytes): "\(stream) \(bytes.readableBytes)"
        case .exitStatus(let status): "status \(status)"
        case .exitSignal(let signal): "signal \(signal.name)"
        case .endOfFile: "eof"
        case .answered(_, let success): "answered \(success)"
        case .request(let request): "request \(request.request.type)"
        case .endOfWrite: "eow"
        case .writabilityChanged(let isWritable): "writable \(isWritable)"
        case .closed: "closed"
        }
    }
}

/// Equality of long byte strings, which an expectation need not print in full.
func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool { one == other }
