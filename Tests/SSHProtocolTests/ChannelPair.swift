import NIOCore
import SSHCrypto
import SSHKeys
import Testing

@testable import SSHProtocol

/// A client and a server of ours joined without sockets, connected, under a clock that only the test moves. Either end can
/// be made to send any message.
final class ChannelPair {
    var client: ConnectionMachine
    var server: ConnectionMachine
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var clientEvents: [ConnectionEvent] = []
    var serverEvents: [ConnectionEvent] = []
    /// Whether channels that are offered are accepted at once, and data is given back at once.
    var accepts = true
    var consumes = true

    init(limits: ChannelLimits = .standard) throws {
        var configuration = ClientConfiguration(username: "user")
        configuration.credentials = [.privateKey(.generateEd25519())]
        client = ConnectionMachine(client: configuration, random: randomBytes)
        server = ConnectionMachine(
            server: ServerConfiguration(hostKeys: [HostKey(privateKey: .generateEd25519())]), random: randomBytes)
        server.channelLimits = limits
        client.channelLimits = ChannelLimits(channels: limits.channels)
        client.start(now: now)
        server.start(now: now)
        pump()
        try #require(clientError == nil && serverError == nil)
        try #require(clientSummaries.contains("authenticated") && serverSummaries.contains("authenticated"))
        clientEvents = []
        serverEvents = []
    }

    // MARK: Bytes

    /// Carries bytes back and forth until neither side has any.
    func pump() {
        takeEvents()
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            while let bytes = client.drainOutput(now: now) {
                isQuiet = false
                server.receive(ByteBuffer(bytes: Array(bytes.readableBytesView)), now: now)
                takeEvents()
            }
            while let bytes = server.drainOutput(now: now) {
                isQuiet = false
                client.receive(ByteBuffer(bytes: Array(bytes.readableBytesView)), now: now)
                takeEvents()
            }
        }
    }

    func takeEvents() {
        while let event = client.nextEvent() {
            clientEvents.append(event)
            handle(event, &client)
        }
        while let event = server.nextEvent() {
            serverEvents.append(event)
            handle(event, &server)
        }
    }

    private func handle(_ event: ConnectionEvent, _ machine: inout ConnectionMachine) {
        switch event {
        case .verifyHostKey: machine.acceptHostKey(now: now)
        case .mayOfferKey: machine.answerKeyOffer(true, now: now)
        case .authorize(let request):
            machine.answerAuthorization(request.method.name == "none" ? .refuse : .accept, now: now)
        case .channelOpen(let id, _) where accepts: machine.accept(id)
        case .channel(let id, .data(_, let bytes)) where consumes: _ = machine.consumed(bytes.readableBytes, on: id)
        default: break
        }
    }

    /// The client sends a message of its own making, and everything that follows from it happens.
    func clientSends(_ messages: ByteBuffer...) throws {
        for message in messages { try client.transport.sendOrHold(message) }
        pump()
    }

    func serverSends(_ messages: ByteBuffer...) throws {
        for message in messages { try server.transport.sendOrHold(message) }
        pump()
    }

    /// The client sends messages that its own tables know nothing of; it does not see the answers, whose numbers come back.
    func clientForges(_ messages: ByteBuffer...) throws -> Int {
        for message in messages { try client.transport.sendOrHold(message) }
        return Self.carry(from: &client, to: &server, &serverEvents, now)
    }

    func serverForges(_ messages: ByteBuffer...) throws -> Int {
        for message in messages { try server.transport.sendOrHold(message) }
        return Self.carry(from: &server, to: &client, &clientEvents, now)
    }

    /// - Returns: Bytes that were answered.
    private static func carry(
        from sender: inout ConnectionMachine, to receiver: inout ConnectionMachine, _ events: inout [ConnectionEvent],
        _ now: NIODeadline
    ) -> Int {
        var answered = 0
        while let bytes = sender.drainOutput(now: now) {
            receiver.receive(ByteBuffer(bytes: Array(bytes.readableBytesView)), now: now)
            while let event = receiver.nextEvent() { events.append(event) }
            while let answer = receiver.drainOutput(now: now) { answered += answer.readableBytes }
        }
        return answered
    }

    func clientWrites(_ data: ByteBuffer, on id: ChannelID) -> Bool { client.write(data, on: id) }

    func serverWrites(_ data: ByteBuffer, stream: SSHDataStream = .standardOutput, on id: ChannelID) -> Bool {
        server.write(data, stream: stream, on: id)
    }

    // MARK: Channels

    /// A session that both ends know.
    func openSession() throws -> (client: ChannelID, server: ChannelID) { try open(.session) }

    func open(_ request: ChannelOpenRequest) throws -> (client: ChannelID, server: ChannelID) {
        let id = try client.open(request)
        pump()
        let offered = serverEvents.reversed().lazy.compactMap { event -> ChannelID? in
            if case .channelOpen(let id, _) = event { return id }
            return nil
        }.first
        return (id, try #require(offered))
    }

    // MARK: What happened

    var clientSummaries: [String] { clientEvents.map(\.summary) }
    var serverSummaries: [String] { serverEvents.map(\.summary) }
    var clientError: ProtocolError? { Self.error(clientEvents) }
    var serverError: ProtocolError? { Self.error(serverEvents) }

    private static func error(_ events: [ConnectionEvent]) -> ProtocolError? {
        for case .closed(let error) in events { return error }
        return nil
    }

    static func bytes(_ events: [ConnectionEvent]) -> [UInt8] {
        events.flatMap { event -> [UInt8] in
            guard case .channel(_, .data(_, let bytes)) = event else { return [] }
            return Array(bytes.readableBytesView)
        }
    }
}
