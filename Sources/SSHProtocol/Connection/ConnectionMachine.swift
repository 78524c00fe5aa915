// One SSH connection as a value: bytes, time and the owner's wishes go in, events and bytes come out. It owns no socket,
// no clock and no generator of random numbers.

public import NIOCore
import SSHCrypto
public import SSHKeys

/// One end of an SSH connection (RFC 4250–4254), client or server, without I/O.
///
/// Whoever owns it calls `start`, then `receive` with what comes from the peer, takes events with `nextEvent` until there
/// is none, takes bytes for the peer with `drainOutput` until there are none, and calls `tick` at `nextDeadline`. Packets
/// are opened one at a time as events are taken, so a question really stops everything behind it.
public struct ConnectionMachine {
    enum Phase {
        case idle
        case identification
        /// The first key exchange.
        case handshake
        case service
        case authentication
        case connected
        case closed
    }

    /// What the owner was asked and has not answered.
    enum Question {
        case none
        case hostKey
        case prompt
        case signature
        case passwordChange
        case keyOffer
        case authorization
    }

    /// Bytes read ahead while a question waits.
    static let readAhead = 64 * 1024
    /// Answers to a peer that does not read them: beyond it we do not read either.
    static let controlBacklog = 256 * 1024
    /// Bytes put into one write.
    static let outputQuantum = 256 * 1024
    /// Bytes of one channel before the next one's turn.
    static let channelQuantum = 64 * 1024
    static let maximumPings = 32
    static let maximumBanners = 32
    static let maximumBannerBytes = 64 * 1024

    public let role: ConnectionRole
    let settings: ConnectionSettings
    /// A server's.
    let serverConfiguration: ServerConfiguration?
    var phase = Phase.idle
    var question = Question.none
    var transport = Transport()
    var identificationReader: IdentificationReader
    var keyExchange: KeyExchangeMachine
    /// Each until authentication is over: nobody keeps a password for as long as a connection stands.
    var clientAuth: ClientAuthMachine?
    var serverAuth: ServerAuthMachine?
    var user: AuthenticatedUser?
    var learnsHostKeys: Bool
    var knownHostKeys: Set<SSHPublicKey>
    var pings = 0
    /// Something without meaning came before the first keys.
    var hasHandshakeFiller = false
    var channels: ChannelTable
    var globalRequests = GlobalRequests()
    var timers: ConnectionTimers
    var isWritable = true
    var sentWhileUnwritable = 0
    var banners = (count: 0, bytes: 0)
    /// One packet of channel data while it is put together; its memory is used again for the next one.
    var scratch = ByteBuffer()

    private var events = CircularBuffer<ConnectionEvent>()
    private var tokens: UInt64 = 0
    private var isStreamEnded = false
    private var farewell = ""

    /// The peer's identification, such as "SSH-2.0-OpenSSH_9.2p1"; empty until it came. Printable ASCII.
    public var peerIdentification: String { keyExchange.peerIdentification }

    /// The same, for a client.
    public var serverIdentification: String { peerIdentification }

    /// The exchange hash of the first key exchange, which signatures of this connection are bound to (RFC 4253 §7.2);
    /// empty before that.
    public var sessionID: [UInt8] { keyExchange.sessionID ?? [] }

    /// The host's key or certificate: accepted, for a client; the one in use, for a server. nil before that.
    public var hostIdentity: PublicIdentity? { keyExchange.hostIdentity }

    /// Client: the host's signature over `sessionID`, for agents (session-bind@openssh.com); empty before that.
    public var hostSignature: [UInt8] { keyExchange.hostSignature }

    /// Whether the peer announced that it answers pings (ping@openssh.com), so that `sendPing` may be used.
    public internal(set) var sendsPing = false

    /// Lines that came before the identification, neutralised for display, at most 4 KiB.
    public var preface: String { identificationReader.preface }

    /// The client's end.
    ///
    /// - Parameters:
    ///   - configuration: Who we are and what we offer.
    ///   - random: Returns as many unpredictable bytes as asked for.
    public init(client configuration: ClientConfiguration, random: @escaping (Int) -> [UInt8]) {
        self.init(role: .client, ConnectionSettings(configuration), random: random)
        clientAuth = ClientAuthMachine(configuration)
        learnsHostKeys = configuration.learnsHostKeys
        knownHostKeys = configuration.knownHostKeys
    }

    /// The server's end.
    ///
    /// - Parameters:
    ///   - configuration: Who we are and what we offer. Without host keys every key exchange fails.
    ///   - random: Returns as many unpredictable bytes as asked for.
    public init(server configuration: ServerConfiguration, random: @escaping (Int) -> [UInt8]) {
        self.init(role: .server, ConnectionSettings(configuration), server: configuration, random: random)
        serverAuth = ServerAuthMachine(configuration)
    }

    private init(
        role: ConnectionRole, _ settings: ConnectionSettings, server: ServerConfiguration? = nil,
        random: @escaping (Int) -> [UInt8]
    ) {
        self.role = role
        self.settings = settings
        serverConfiguration = server
        identificationReader = IdentificationReader(role: role)
        keyExchange = KeyExchangeMachine(
            role: role, settings.algorithms, hostKeys: server?.hostKeys ?? [],
            identification: settings.identification, random: random)
        learnsHostKeys = false
        knownHostKeys = []
        channels = ChannelTable(limit: settings.maximumChannels)
        timers = ConnectionTimers(settings)
    }

    // MARK: Bytes and time

    /// Begins: our identification and our KEXINIT leave in one flight (RFC 4253 §4.2 allows it).
    public mutating func start(now: NIODeadline) {
        guard case .idle = phase else { return }
        phase = .identification
        timers.start(now)
        transport.writer.writeIdentification(settings.identification)
        attempt { machine throws(ProtocolError) in try machine.sendKeyExchangeInit() }
    }

    /// Bytes from the peer. Call `nextEvent` until it returns nil afterwards.
    ///
    /// - Parameter isOwned: Nobody else reads these bytes any more. They are then decrypted where they lie, even if their
    ///   memory belongs to a pool; else memory that others keep is copied first.
    public mutating func receive(_ bytes: ByteBuffer, isOwned: Bool = false, now: NIODeadline) {
        guard !isClosed, bytes.readableBytes > 0 else { return }
        timers.heard(now)
        transport.reader.receive(bytes, isOwned: isOwned)
    }

    /// The stream ended. What was received before is still dealt with, unless a question waits: then nobody is left to
    /// answer to.
    public mutating func connectionLost() {
        isStreamEnded = true
        // Answers cannot pile up any more.
        setWritable(true)
    }

    /// The next event, or nil when more bytes, time or an answer is needed.
    public mutating func nextEvent() -> ConnectionEvent? {
        while true {
            if let event = events.popFirst() { return event }
            if isClosed { return nil }
            if isReadyForInput, advance() { continue }
            guard events.isEmpty else { continue }
            guard isStreamEnded, !isClosed else { return nil }
            fail(streamEnd, tellsPeer: false)
        }
    }

    /// Bytes for the peer, many packets for one write; nil when there are none, or channel data has to wait for the
    /// socket.
    public mutating func drainOutput(now: NIODeadline) -> ByteBuffer? {
        timers.now = max(timers.now, now)
        if case .connected = phase, isWritable {
            attempt { machine throws(ProtocolError) in try machine.sendChannelData() }
        }
        return transport.writer.take()
    }

    /// Whether the socket takes more. While it does not, channel data stays in its queues.
    public mutating func setWritable(_ writable: Bool) {
        isWritable = writable
        if writable { sentWhileUnwritable = 0 }
    }

    /// Whether more bytes should be read from the socket.
    public var wantsInput: Bool { isReadyForInput || transport.reader.pendingBytes < Self.readAhead }

    /// Whether `nextEvent` has something that needs no more input; like `nextDeadline` it changes nothing.
    public var hasEvents: Bool { mutating get { !events.isEmpty } }

    /// When `tick` is due next. It changes nothing, but a getter that may not change would be given a copy of the machine
    /// wherever that is a class's property: half a dozen times a key stroke.
    public var nextDeadline: NIODeadline? { mutating get { isClosed ? nil : timers.next(in: phase) } }

    /// Time has come to `nextDeadline`, or past it.
    public mutating func tick(now: NIODeadline) {
        guard !isClosed else { return }
        timers.now = max(timers.now, now)
        attempt { machine throws(ProtocolError) in try machine.checkTimers() }
        scratch = ByteBuffer()
        transport.reader.shrink()
        transport.writer.shrink()
    }

    /// Ends the connection by the owner's wish (RFC 4253 §11.1).
    ///
    /// - Parameters:
    ///   - reason: What the peer is told.
    ///   - words: A sentence for the peer.
    public mutating func close(reason: DisconnectReason = .byApplication, words: String = "Goodbye.") {
        guard !isClosed else { return }
        farewell = words
        fail(
            ProtocolError(.closedByOwner, "The connection was closed at this end.", reason: reason), tellsPeer: true)
    }

    // MARK: Inside

    var isClosed: Bool {
        if case .closed = phase { return true }
        return false
    }

    private var isReadyForInput: Bool {
        guard case .none = question, !isClosed, !isOwnerBehind else { return false }
        return isWritable || sentWhileUnwritable < Self.controlBacklog
    }

    mutating func emit(_ event: ConnectionEvent) { events.append(event) }

    mutating func emit(_ event: SessionChannelEvent, _ id: ChannelID) { events.append(.channel(id, event)) }

    mutating func makeToken() -> RequestToken {
        tokens += 1
        return RequestToken(number: tokens)
    }

    /// Asks the owner; nothing more is read until the answer.
    mutating func ask(_ question: Question, _ event: ConnectionEvent) {
        self.question = question
        timers.questionAsked()
        emit(event)
    }

    mutating func answered(_ now: NIODeadline) {
        question = .none
        timers.questionAnswered(now)
    }

    /// The user is authenticated: channels may be opened.
    mutating func beginConnection() throws(ProtocolError) {
        phase = .connected
        clientAuth = nil
        serverAuth = nil
        transport.reader.maximumLength = PacketReader.maximumLength
        try transport.beginCompression()
        timers.authenticated()
        emit(.authenticated)
    }

    /// Sends a message of ours, after a key exchange in progress.
    mutating func send(_ payload: ByteBuffer) throws(ProtocolError) {
        if !isWritable { sentWhileUnwritable += payload.readableBytes + 64 }
        timers.carried(payload.getInteger(at: payload.readerIndex) ?? 0)
        try transport.sendOrHold(payload)
    }

    /// Runs a step; when it fails, the connection ends with its reason.
    mutating func attempt(_ step: (inout ConnectionMachine) throws(ProtocolError) -> Void) {
        do throws(ProtocolError) {
            try step(&self)
        } catch {
            fail(error, tellsPeer: true)
        }
    }

    /// The end: DISCONNECT for the peer, the reason for the owner.
    mutating func fail(_ error: ProtocolError, tellsPeer: Bool) {
        guard !isClosed else { return }
        let error = error.told(to: role)
        phase = .closed
        question = .none
        clientAuth = nil
        serverAuth = nil
        // What was queued goes nowhere; its memory is not kept for as long as somebody holds the connection.
        channels = ChannelTable(limit: 0)
        if tellsPeer {
            // Nothing can be done about a goodbye that cannot be said.
            try? transport.send(Disconnect(reason: error.reason, description: publicWords(error)).encoded)
        }
        emit(.closed(error))
    }

    /// What the peer is told: the kind of failure, not our reasons, which may name what the owner has on record.
    private func publicWords(_ error: ProtocolError) -> String {
        switch error.code {
        case .closedByOwner: farewell
        case .hostKeyRefused: "The host key is not the expected one."
        case .authenticationFailed where role == .server: "Too many authentication failures."
        case .authenticationFailed: "No more authentication methods."
        case .internalFailure: "Internal failure."
        default: error.description
        }
    }

    /// Deals with one packet, or the identification.
    ///
    /// - Returns: Whether anything was there to deal with.
    private mutating func advance() -> Bool {
        do throws(ProtocolError) {
            if case .identification = phase { return try readIdentification() }
            guard let payload = try transport.reader.next() else { return false }
            try receive(payload)
            return true
        } catch {
            fail(error, tellsPeer: true)
            return true
        }
    }

    private mutating func readIdentification() throws(ProtocolError) -> Bool {
        guard let line = try transport.reader.readIdentification(&identificationReader) else { return false }
        keyExchange.peerIdentification = line
        phase = .handshake
        return true
    }

    /// What the end of the stream means in this phase.
    private var streamEnd: ProtocolError {
        switch phase {
        case .idle, .identification: silentOrForeign("closed the connection")
        case .handshake, .service, .authentication:
            ProtocolError(
                .connectionLost, "The host broke off the connection before authentication was complete.",
                reason: .connectionLost)
        case .connected, .closed:
            ProtocolError(.connectionLost, "The connection to the host broke off.", reason: .connectionLost)
        }
    }

    /// Whoever answered never identified as an SSH server.
    func silentOrForeign(_ did: String) -> ProtocolError {
        if role == .server {
            return ProtocolError(.notSSH, "The host \(did) before it identified itself.", reason: .protocolError)
        }
        let words = preface.split(separator: "\n").first.map(String.init) ?? ""
        if words.isEmpty {
            return ProtocolError(
                .notSSH, "What answered \(did) without a word; it may not be an SSH server.",
                reason: .protocolError)
        }
        return ProtocolError(
            .notSSH,
            "What answered does not speak SSH: it said “\(DisplayText.neutralise(words, limit: 100))” and \(did).",
            reason: .protocolError)
    }
}
