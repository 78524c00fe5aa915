// One key exchange after another, from either side: RFC 4253 §7-8, RFC 5656 §4; group exchange is in the file beside.

import NIOCore
import SSHCrypto
import SSHKeys

struct KeyExchangeMachine {
    /// Both KEXINIT messages are out.
    struct Exchange {
        var algorithms: NegotiatedAlgorithms
        var clientInit: [UInt8]
        var serverInit: [UInt8]
        var step: Step
        /// The peer's guess was wrong: its next message of key exchange is read past (RFC 4253 §7).
        var ignoresNextPacket: Bool
    }

    /// What the method waits for.
    enum Step {
        /// Server: the client's share.
        case shareAwaited
        /// Server: what group the client wants (RFC 4419 §3).
        case groupRequestAwaited
        /// Server: the client's share in the group.
        case groupShareAwaited(AgreedGroup)
        /// Client: the server's share and proof.
        case replyAwaited(ShareBox)
        /// Client: the group.
        case groupAwaited(GroupRequest)
        /// Client: share and proof in the group.
        case groupReplyAwaited(AgreedGroup, ShareBox)
    }

    /// The shares are exchanged and the server's proof is made or verified.
    struct Outcome {
        var algorithms: NegotiatedAlgorithms
        var secret: EncodedSharedSecret
        var hash: [UInt8]
        var identity: PublicIdentity
    }

    enum State {
        case idle
        /// Our KEXINIT is out.
        case initSent(ownInit: [UInt8])
        case exchanging(Exchange)
        /// Client, and only in the first exchange: the owner is asked about the host key.
        case decisionAwaited(Outcome)
        /// Our NEWKEYS is out or about to leave, the peer's is awaited.
        case newKeysAwaited(Outcome)
    }

    /// What is to be done after a message of the method.
    enum Progress {
        /// A wrong guess was read past.
        case nothing
        case send(ByteBuffer)
        /// Client: the host key is to be decided on.
        case ask(HostKeyOffer)
        /// The keys are agreed on: send what there is to send, then NEWKEYS.
        case agreed(reply: ByteBuffer?)
    }

    var state = State.idle
    /// The first exchange hash, for ever (RFC 4253 §7.2).
    private(set) var sessionID: [UInt8]?
    var isStrict = false
    /// The peer said in its first KEXINIT that it takes EXT_INFO (RFC 8308 §2.1).
    private(set) var peerTakesExtensionInfo = false
    /// Whose host key this connection stands on, once it was accepted or proved.
    private(set) var hostIdentity: PublicIdentity?
    /// Client: the host's signature over the first exchange hash, which an agent may want to see.
    private(set) var hostSignature: [UInt8] = []
    /// What the host key was proved with first.
    private(set) var hostKeyAlgorithm: HostKeyAlgorithm?

    let role: ConnectionRole
    private let preferences: AlgorithmPreferences
    private let hostKeys: [HostKey]
    private let ownIdentification: String
    /// The peer's, once it came.
    var peerIdentification = ""
    private let random: (Int) -> [UInt8]

    /// - Parameter hostKeys: A server's; a client has none.
    init(
        role: ConnectionRole, _ preferences: AlgorithmPreferences, hostKeys: [HostKey] = [], identification: String,
        random: @escaping (Int) -> [UInt8]
    ) {
        self.role = role
        self.preferences = preferences
        self.hostKeys = hostKeys
        self.ownIdentification = identification
        self.random = random
    }

    var isIdle: Bool {
        if case .idle = state { return true }
        return false
    }

    /// Whether the first exchange is not over yet.
    var isInitial: Bool { sessionID == nil }

    // MARK: KEXINIT

    /// Our KEXINIT.
    mutating func begin() -> ByteBuffer {
        var names = preferences.keyExchange.map(\.rawValue)
        // The markers belong into the first KEXINIT of a connection and mean nothing later.
        if isInitial { names += Negotiation.Marker.own(role) }
        let own = KeyExchangeInit(
            keyExchange: names, hostKeys: preferences.hostKeys.map(\.rawValue),
            ciphers: preferences.ciphers.map(\.rawValue), macs: preferences.macs.map(\.rawValue),
            compression: preferences.compression.map(\.rawValue)
        ).encoded(cookie: random(16))
        state = .initSent(ownInit: Array(own.readableBytesView))
        return own
    }

    /// The peer's KEXINIT. Ours must be out.
    ///
    /// - Parameters:
    ///   - payload: The whole payload, message number included.
    ///   - isFirstPacket: Whether it was the very first packet of the connection.
    /// - Returns: What a client sends next; a server waits.
    mutating func receiveInit(_ payload: ByteBuffer, isFirstPacket: Bool) throws(ProtocolError) -> ByteBuffer? {
        guard case .initSent(let ownInit) = state else {
            throw .unexpected("The host sent a second KEXINIT within one key exchange.")
        }
        var body = payload
        body.moveReaderIndex(forwardBy: 1)
        let peer = try KeyExchangeInit(body)
        if isInitial { try readMarkers(peer, isFirstPacket: isFirstPacket) }
        let negotiation = try Negotiation(role: role, preferences, peer: peer, isStrict: isStrict)
        let peerInit = Array(payload.readableBytesView)
        var exchange = Exchange(
            algorithms: negotiation.algorithms, clientInit: role == .client ? ownInit : peerInit,
            serverInit: role == .client ? peerInit : ownInit, step: .shareAwaited,
            ignoresNextPacket: negotiation.ignoresNextPacket)
        let first = try firstStep(&exchange)
        state = .exchanging(exchange)
        return first
    }

    private mutating func readMarkers(_ peer: KeyExchangeInit, isFirstPacket: Bool) throws(ProtocolError) {
        peerTakesExtensionInfo = peer.keyExchange.contains(Negotiation.Marker.extensionInfo(ofPeer: role))
        guard peer.keyExchange.contains(Negotiation.Marker.strict(ofPeer: role)) else {
            guard !preferences.requiresStrictOrder else {
                throw .keyExchange("The host does not know strict key exchange, without which packets can be cut off.")
            }
            return
        }
        isStrict = true
        // Whatever came before it was not the peer's (CVE-2023-48795).
        guard isFirstPacket else {
            throw .unexpected("The host sent something before its KEXINIT although it asks for strict order.")
        }
    }

    private func firstStep(_ exchange: inout Exchange) throws(ProtocolError) -> ByteBuffer? {
        let method = exchange.algorithms.keyExchange
        switch (role, method.isGroupExchange) {
        case (.server, false):
            exchange.step = .shareAwaited
            return nil
        case (.server, true):
            exchange.step = .groupRequestAwaited
            return nil
        case (.client, false):
            let share = try ShareBox(method)
            exchange.step = .replyAwaited(share)
            return KeyExchangeShare(share: share.bytes).encoded(.ecdhInit)
        case (.client, true):
            let request = GroupRequest.standard
            exchange.step = .groupAwaited(request)
            return request.encoded
        }
    }

    // MARK: The method's messages

    /// One of the messages 30–49, which the admission table let through.
    mutating func receive(_ payload: ByteBuffer) throws(ProtocolError) -> Progress {
        guard case .exchanging(var exchange) = state else {
            throw .unexpected("The host sent a message of key exchange that nobody waits for.")
        }
        if exchange.ignoresNextPacket {
            exchange.ignoresNextPacket = false
            state = .exchanging(exchange)
            return .nothing
        }
        switch exchange.step {
        case .replyAwaited(let share):
            return try receiveReply(try KeyExchangeReply(payload), exchange, share, in: nil)
        case .groupReplyAwaited(let group, let share):
            return try receiveReply(try KeyExchangeReply(payload), exchange, share, in: group)
        case .groupAwaited(let request):
            let group = try request.agreed(on: payload)
            let share = try ShareBox(exchange.algorithms.keyExchange, group: group.group)
            exchange.step = .groupReplyAwaited(group, share)
            state = .exchanging(exchange)
            return .send(KeyExchangeShare(share: share.bytes).encoded(.groupExchangeInit))
        case .groupRequestAwaited:
            let group = try GroupRequest(payload).choice()
            exchange.step = .groupShareAwaited(group)
            state = .exchanging(exchange)
            return .send(group.encoded)
        case .shareAwaited:
            return try receiveShare(try KeyExchangeShare(payload).share, exchange, in: nil)
        case .groupShareAwaited(let group):
            return try receiveShare(try KeyExchangeShare(payload).share, exchange, in: group)
        }
    }

    /// Client: the server's share and proof.
    private mutating func receiveReply(
        _ reply: KeyExchangeReply, _ exchange: Exchange, _ share: ShareBox, in group: AgreedGroup?
    ) throws(ProtocolError) -> Progress {
        let identity = try HostProof.identity(reply.hostKey, exchange.algorithms.hostKey)
        let secret = try share.finish(reply.share)
        let hash = exchangeHash(
            exchange, hostKey: reply.hostKey, clientShare: share.bytes, serverShare: reply.share, secret, group)
        try HostProof.verify(reply.signature, identity, exchange.algorithms.hostKey, hash)
        let outcome = Outcome(algorithms: exchange.algorithms, secret: secret, hash: hash, identity: identity)
        guard let known = hostIdentity else {
            hostSignature = reply.signature
            state = .decisionAwaited(outcome)
            return .ask(HostKeyOffer(identity: identity, algorithm: exchange.algorithms.hostKey))
        }
        // A certificate may have been renewed meanwhile; the key may not change.
        guard known.publicKey == identity.publicKey else {
            throw ProtocolError(
                .hostKeyChangedOnRekey, "The host came with another host key in the middle of the connection.",
                reason: .hostKeyNotVerifiable)
        }
        state = .newKeysAwaited(outcome)
        return .agreed(reply: nil)
    }

    /// The owner accepts the host key of the first exchange.
    mutating func accept() throws(ProtocolError) {
        guard case .decisionAwaited(let outcome) = state else {
            throw ProtocolError(.internalFailure, "No host key waits for an answer.", reason: .byApplication)
        }
        settle(outcome)
    }

    /// Server: the client's share. Our share and proof are the answer.
    private mutating func receiveShare(
        _ clientShare: [UInt8], _ exchange: Exchange, in group: AgreedGroup?
    ) throws(ProtocolError) -> Progress {
        let algorithm = exchange.algorithms.hostKey
        guard let hostKey = hostKeys.first(where: { $0.proves(with: algorithm) }) else {
            throw ProtocolError(.internalFailure, "No host key fits what was agreed on.", reason: .keyExchangeFailed)
        }
        let (share, secret) = try Self.respond(exchange.algorithms.keyExchange, clientShare, group)
        let identity = hostKey.identity(for: algorithm)
        let blob = identity.blob
        let hash = exchangeHash(
            exchange, hostKey: blob, clientShare: clientShare, serverShare: share, secret, group)
        let signature: [UInt8]
        do throws(SSHKeyError) {
            signature = try hostKey.privateKey.sign(
                hash, algorithm: algorithm.signatureAlgorithm, allowingLegacy: algorithm.isLegacy)
        } catch {
            throw ProtocolError(.internalFailure, "The host key could not sign.", reason: .keyExchangeFailed)
        }
        settle(Outcome(algorithms: exchange.algorithms, secret: secret, hash: hash, identity: identity))
        return .agreed(
            reply: KeyExchangeReply(hostKey: blob, share: share, signature: signature)
                .encoded(group == nil ? .ecdhReply : .groupExchangeReply))
    }

    private static func respond(
        _ method: KeyExchangeMethod, _ share: [UInt8], _ group: AgreedGroup?
    ) throws(ProtocolError) -> (share: [UInt8], secret: EncodedSharedSecret) {
        do throws(SSHCryptoError) {
            if let group { return try ServerKeyExchange.respond(method, group: group.group, peerShare: share) }
            return try ServerKeyExchange.respond(method, peerShare: share)
        } catch {
            throw .keyExchange("The host's share of the key exchange is not valid.")
        }
    }

    private mutating func settle(_ outcome: Outcome) {
        if sessionID == nil {
            sessionID = outcome.hash
            hostIdentity = outcome.identity
            hostKeyAlgorithm = outcome.algorithms.hostKey
        }
        state = .newKeysAwaited(outcome)
    }

    /// RFC 4253 §8, RFC 5656 §4, RFC 4419 §3: the hash over everything that was said.
    private func exchangeHash(
        _ exchange: Exchange, hostKey: [UInt8], clientShare: [UInt8], serverShare: [UInt8],
        _ secret: EncodedSharedSecret, _ group: AgreedGroup?
    ) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeSSHString(role == .client ? ownIdentification : peerIdentification)
        buffer.writeSSHString(role == .client ? peerIdentification : ownIdentification)
        buffer.writeSSHString(exchange.clientInit)
        buffer.writeSSHString(exchange.serverInit)
        buffer.writeSSHString(hostKey)
        group?.writeTranscript(&buffer)
        buffer.writeSSHString(clientShare)
        buffer.writeSSHString(serverShare)
        buffer.writeBytes(secret.bytes)
        return exchange.algorithms.keyExchange.hash.digest(Array(buffer.readableBytesView))
    }

    // MARK: NEWKEYS

    /// What our NEWKEYS puts into force, once it may be sent.
    func makeSealer() throws(ProtocolError) -> (sealer: PacketSealer, compression: CompressionName)? {
        guard case .newKeysAwaited(let outcome) = state else { return nil }
        let keys = DirectionKeys(outcome, isFromClient: role == .client, sessionID: sessionID ?? outcome.hash)
        do throws(SSHCryptoError) {
            let sealer = try PacketSealer(
                cipher: keys.cipher, mac: keys.mac, key: keys.key, iv: keys.iv, macKey: keys.macKey)
            return (sealer, keys.compression)
        } catch {
            throw .keyExchange("The agreed cipher could not be set up.")
        }
    }

    /// The peer's NEWKEYS: what it puts into force. The exchange is over.
    mutating func receiveNewKeys() throws(ProtocolError) -> (
        opener: PacketOpener, compression: CompressionName, algorithms: NegotiatedAlgorithms
    ) {
        guard case .newKeysAwaited(let outcome) = state else {
            throw .unexpected("The host changed to new keys before they were agreed on.")
        }
        let keys = DirectionKeys(outcome, isFromClient: role == .server, sessionID: sessionID ?? outcome.hash)
        state = .idle
        do throws(SSHCryptoError) {
            let opener = try PacketOpener(
                cipher: keys.cipher, mac: keys.mac, key: keys.key, iv: keys.iv, macKey: keys.macKey)
            return (opener, keys.compression, outcome.algorithms)
        } catch {
            throw .keyExchange("The agreed cipher could not be set up.")
        }
    }
}

/// The keys of one direction (RFC 4253 §7.2).
private struct DirectionKeys {
    var cipher: CipherName
    var mac: MACName?
    var compression: CompressionName
    var key: [UInt8]
    var iv: [UInt8]
    var macKey: [UInt8]

    init(_ outcome: KeyExchangeMachine.Outcome, isFromClient: Bool, sessionID: [UInt8]) {
        let algorithms = outcome.algorithms
        let cipher = isFromClient ? algorithms.cipherClientToServer : algorithms.cipherServerToClient
        let mac = isFromClient ? algorithms.macClientToServer : algorithms.macServerToClient
        func derive(_ fromClient: Character, _ fromServer: Character, _ length: Int) -> [UInt8] {
            deriveKey(
                hash: algorithms.keyExchange.hash, secret: outcome.secret, exchangeHash: outcome.hash,
                letter: (isFromClient ? fromClient : fromServer).asciiValue ?? 0, sessionID: sessionID, length: length)
        }
        self.cipher = cipher
        self.mac = mac
        compression = isFromClient ? algorithms.compressionClientToServer : algorithms.compressionServerToClient
        iv = derive("A", "B", cipher.ivLength)
        key = derive("C", "D", cipher.keyLength)
        macKey = derive("E", "F", mac?.keyLength ?? 0)
    }
}
