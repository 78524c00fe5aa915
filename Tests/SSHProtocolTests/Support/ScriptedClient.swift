import NIOCore
import SSHCrypto
import SSHKeys

@testable import SSHProtocol

/// A client's end with real cryptography and no manners, before our server: a test may make it send anything at any time.
final class ScriptedClient {
    var server: ConnectionMachine
    var keyExchange: KeyExchangeMachine
    var writer = PacketWriter()
    private(set) var reader = PacketReader()
    private var identificationReader = IdentificationReader()
    var events: [ConnectionEvent] = []
    /// What the server sent, message number included, but for key exchange.
    private(set) var received: [ByteBuffer] = []
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var identification = "SSH-2.0-Scripted"
    /// Sent before our KEXINIT.
    var beforeInit: [ByteBuffer] = []
    /// Replaces our answer to the server's KEXINIT: what would be sent goes in.
    var changeShare: (ByteBuffer) -> [ByteBuffer] = { [$0] }
    /// Whether our KEXINIT asks for strict order.
    var isStrictAnnounced = true
    /// Whether the markers come again in a later KEXINIT.
    var announcesMarkersAgain = false
    /// Says that a guess follows, and lets the share follow at once or this in its place.
    var announcesGuess = false
    var guess: ByteBuffer?
    /// Sent before our NEWKEYS.
    var beforeNewKeys: [ByteBuffer] = []
    /// The server's owner; nil leaves the question open.
    var authorize: (AuthorizationRequest) -> AuthorizationAnswer? = { _ in .refuse }
    var mayOffer: (PublicIdentity) -> Bool = { _ in true }

    init(
        _ preferences: AlgorithmPreferences = .standard,
        hostKeys: [HostKey] = [HostKey(privateKey: MachinePair.hostKey)],
        _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) {
        var configuration = ServerConfiguration(hostKeys: hostKeys)
        change(&configuration)
        server = ConnectionMachine(server: configuration, random: randomBytes)
        keyExchange = KeyExchangeMachine(
            role: .client, preferences, identification: identification, random: randomBytes)
    }

    /// Keys agreed on, nothing asked for.
    static func joined(
        _ preferences: AlgorithmPreferences = .standard, _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) throws -> ScriptedClient {
        let client = ScriptedClient(preferences, change)
        try client.begin()
        return client
    }

    /// The authentication service granted.
    static func atTheDoor(_ change: (inout ServerConfiguration) -> Void = { _ in }) throws -> ScriptedClient {
        let client = try joined(.standard, change)
        try client.say(ServiceName(ServiceName.userAuth).request)
        return client
    }

    func begin() throws {
        server.start(now: now)
        writer.writeIdentification(identification)
        for message in beforeInit { try writer.send(message) }
        try writer.send(ownInit())
        if let guess { try writer.send(guess) }
        try pump()
    }

    /// Our KEXINIT, changed as the test wishes.
    private func ownInit() throws -> ByteBuffer {
        let isFirst = keyExchange.isInitial
        let plain = keyExchange.begin()
        guard !isStrictAnnounced || announcesMarkersAgain || announcesGuess || guess != nil else { return plain }
        var body = plain
        body.moveReaderIndex(forwardBy: 1)
        var offer = try KeyExchangeInit(body)
        offer.keyExchange.removeAll { Negotiation.Marker.all.contains($0) }
        if isFirst || announcesMarkersAgain {
            offer.keyExchange.append(Negotiation.Marker.extensionInfoClient)
            if isStrictAnnounced { offer.keyExchange.append(Negotiation.Marker.strictClient) }
        }
        offer.firstPacketFollows = guess != nil || announcesGuess
        if guess != nil { offer.keyExchange.insert("no-such-method", at: 0) }
        let changed = offer.encoded(cookie: [UInt8](repeating: 7, count: 16))
        keyExchange.state = .initSent(ownInit: Array(changed.readableBytesView))
        return changed
    }

    func say(_ messages: ByteBuffer...) throws {
        for message in messages { try writer.send(message) }
        try pump()
    }

    func say(_ number: UInt8, _ body: [UInt8] = []) throws { try say(ByteBuffer(bytes: [number] + body)) }

    func pump() throws {
        takeEvents()
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            while let bytes = writer.take() {
                isQuiet = false
                deliver(bytes)
            }
            while let bytes = server.drainOutput(now: now) {
                isQuiet = false
                try receive(bytes)
            }
            takeEvents()
        }
    }

    func deliver(_ bytes: ByteBuffer) {
        server.receive(ByteBuffer(bytes: Array(bytes.readableBytesView)), now: now)
        takeEvents()
    }

    func takeEvents() {
        while let event = server.nextEvent() {
            events.append(event)
            switch event {
            case .authorize(let request):
                if let answer = authorize(request) { server.answerAuthorization(answer, now: now) }
            case .mayOfferKey(_, let identity): server.answerKeyOffer(mayOffer(identity), now: now)
            default: break
            }
        }
    }

    private func receive(_ bytes: ByteBuffer) throws {
        reader.receive(ByteBuffer(bytes: Array(bytes.readableBytesView)))
        if keyExchange.peerIdentification.isEmpty {
            guard let line = try reader.readIdentification(&identificationReader) else { return }
            keyExchange.peerIdentification = line
        }
        while let payload = try reader.next() { try handle(payload) }
    }

    private func handle(_ payload: ByteBuffer) throws {
        var body = payload
        let number = body.readInteger(as: UInt8.self) ?? 0
        switch number {
        case 20:
            if keyExchange.isIdle { try writer.send(ownInit()) }
            let isFirst = keyExchange.isInitial
            let share = try keyExchange.receiveInit(payload, isFirstPacket: reader.packets == 1)
            if isFirst { keyExchange.isStrict = isStrictAnnounced }
            for message in changeShare(share ?? ByteBuffer()) { try writer.send(message) }
        case 30...49:
            switch try keyExchange.receive(body) {
            case .nothing: break
            case .send(let message): try writer.send(message)
            case .ask:
                try keyExchange.accept()
                try changeKeys()
            case .agreed: try changeKeys()
            }
        case 21:
            let (opener, compression, _) = try keyExchange.receiveNewKeys()
            try reader.install(opener, compression, resetsSequence: keyExchange.isStrict)
        default:
            received.append(payload)
        }
    }

    private func changeKeys() throws {
        for message in beforeNewKeys { try writer.send(message) }
        beforeNewKeys = []
        guard let (sealer, compression) = try keyExchange.makeSealer() else { return }
        try writer.send(ByteBuffer(message: .newKeys))
        try writer.install(sealer, compression, resetsSequence: keyExchange.isStrict)
    }

    // MARK: What happened

    var numbers: [UInt8] { received.compactMap { $0.getInteger(at: $0.readerIndex) } }
    var error: ProtocolError? { events.compactMap(\.ending).first }
    var isAuthenticated: Bool { events.contains(where: \.isAuthenticated) }

    var requests: [AuthorizationRequest] {
        events.compactMap { event in
            guard case .authorize(let request) = event else { return nil }
            return request
        }
    }

    /// The reason of the server's DISCONNECT.
    var disconnectReason: UInt32? {
        received.last { $0.getInteger(at: $0.readerIndex, as: UInt8.self) == 1 }
            .flatMap { $0.getInteger(at: $0.readerIndex + 1) }
    }

    /// Methods of the last FAILURE, and whether it was a partial success.
    var lastFailure: (methods: [String], isPartial: Bool)? {
        guard let last = received.last, last.getInteger(at: last.readerIndex, as: UInt8.self) == 51,
            let failure = try? UserAuthFailure(
                last.getSlice(at: last.readerIndex + 1, length: last.readableBytes - 1) ?? ByteBuffer())
        else { return nil }
        return (failure.methods, failure.isPartialSuccess)
    }
}

/// USERAUTH_REQUEST in every shape.
struct AuthMessage {
    var user = "ada"
    var service = "ssh-connection"

    func begin(_ method: String) -> ByteBuffer {
        var buffer = ByteBuffer(message: .userAuthRequest)
        buffer.writeSSHString(user)
        buffer.writeSSHString(service)
        buffer.writeSSHString(method)
        return buffer
    }

    var none: ByteBuffer { begin("none") }

    func password(_ text: String) -> ByteBuffer {
        var buffer = begin("password")
        buffer.writeSSHBoolean(false)
        buffer.writeSSHString(text)
        return buffer
    }

    var interactive: ByteBuffer {
        var buffer = begin("keyboard-interactive")
        buffer.writeSSHString("")
        buffer.writeSSHString("")
        return buffer
    }

    func query(_ key: SSHPublicKey, algorithm: String? = nil) -> ByteBuffer {
        var buffer = begin("publickey")
        buffer.writeSSHBoolean(false)
        buffer.writeSSHString(algorithm ?? key.algorithm)
        buffer.writeSSHString(key.blob)
        return buffer
    }

    /// A signed request; each part of what is signed may be another one's.
    func signed(
        _ key: SSHPrivateKey, session: [UInt8], claims blob: [UInt8]? = nil, algorithm: String? = nil,
        hostKey: [UInt8]? = nil, over other: AuthMessage? = nil
    ) throws -> ByteBuffer {
        let algorithm = algorithm ?? key.publicKey.algorithm
        func unsigned(_ message: AuthMessage) -> ByteBuffer {
            var buffer = message.begin(hostKey == nil ? "publickey" : "publickey-hostbound-v00@openssh.com")
            buffer.writeSSHBoolean(true)
            buffer.writeSSHString(algorithm)
            buffer.writeSSHString(blob ?? key.publicKey.blob)
            if let hostKey { buffer.writeSSHString(hostKey) }
            return buffer
        }
        var data = ByteBuffer()
        data.writeSSHString(session)
        data.writeImmutableBuffer(unsigned(other ?? self))
        var message = unsigned(self)
        let plain = algorithm.replacing("-cert-v01@openssh.com", with: "")
        message.writeSSHString(try key.sign(Array(data.readableBytesView), algorithm: plain))
        return message
    }
}
