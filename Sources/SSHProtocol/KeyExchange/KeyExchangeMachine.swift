// One key exchange after another, from the client's side: RFC 4253 §7-8, RFC 5656 §4.

import NIOCore
import SSHCrypto
import SSHKeys

struct KeyExchangeMachine {
    /// Both KEXINIT messages are out; the server's share is awaited.
    struct Exchange {
        var algorithms: NegotiatedAlgorithms
        var ownInit: [UInt8]
        var peerInit: [UInt8]
        var share: ShareBox
        var ignoresNextPacket: Bool
    }

    /// The server's share and proof are verified.
    struct Outcome {
        var algorithms: NegotiatedAlgorithms
        var secret: EncodedSharedSecret
        var hash: [UInt8]
        var hostKey: SSHPublicKey
        var hostKeyBlob: [UInt8]
    }

    enum State {
        case idle
        /// Our KEXINIT is out.
        case initSent(ownInit: [UInt8])
        case replyAwaited(Exchange)
        /// Only in the first exchange: the owner is asked about the host key.
        case decisionAwaited(Outcome)
        /// Our NEWKEYS is out, the peer's is awaited.
        case newKeysAwaited(Outcome)
    }

    private(set) var state = State.idle
    /// The first exchange hash, for ever (RFC 4253 §7.2).
    private(set) var sessionID: [UInt8]?
    private(set) var isStrict = false
    private var hostKeyBlob: [UInt8]?

    private let preferences: AlgorithmPreferences
    private let clientIdentification: String
    private let random: (Int) -> [UInt8]

    init(_ preferences: AlgorithmPreferences, clientIdentification: String, random: @escaping (Int) -> [UInt8]) {
        self.preferences = preferences
        self.clientIdentification = clientIdentification
        self.random = random
    }

    var isIdle: Bool {
        if case .idle = state { return true }
        return false
    }

    /// Whether the peer owes the key exchange its next message, so that nothing else may come (RFC 4253 §7.1).
    var isInitial: Bool { sessionID == nil }

    // MARK: The exchange, in order

    /// Our KEXINIT.
    mutating func begin() -> ByteBuffer {
        var names = preferences.keyExchange.map(\.rawValue)
        // The markers belong into the first KEXINIT of a connection and mean nothing later.
        if isInitial { names += [Negotiation.Marker.extensionInfoClient, Negotiation.Marker.strictClient] }
        let own = KeyExchangeInit(
            keyExchange: names, hostKeys: preferences.hostKeys.map(\.rawValue),
            ciphers: preferences.ciphers.map(\.rawValue), macs: preferences.macs.map(\.rawValue)
        ).encoded(cookie: random(16))
        state = .initSent(ownInit: Array(own.readableBytesView))
        return own
    }

    /// The peer's KEXINIT. Ours must be out.
    ///
    /// - Parameters:
    ///   - payload: The whole payload, message number included.
    ///   - isFirstPacket: Whether it was the very first packet of the connection.
    /// - Returns: Our share, to be sent.
    mutating func receiveInit(_ payload: ByteBuffer, isFirstPacket: Bool) throws(ProtocolError) -> ByteBuffer {
        guard case .initSent(let ownInit) = state else {
            throw .unexpected("The host sent a second KEXINIT within one key exchange.")
        }
        var body = payload
        body.moveReaderIndex(forwardBy: 1)
        let peer = try KeyExchangeInit(body)
        if isInitial, peer.keyExchange.contains(Negotiation.Marker.strictServer) {
            isStrict = true
            // Whatever came before it was not the host's (CVE-2023-48795).
            guard isFirstPacket else {
                throw .unexpected("The host sent something before its KEXINIT although it asks for strict order.")
            }
        }
        let negotiation = try Negotiation(client: preferences, server: peer, isStrict: isStrict)
        let share = try ShareBox(negotiation.algorithms.keyExchange)
        state = .replyAwaited(
            Exchange(
                algorithms: negotiation.algorithms, ownInit: ownInit, peerInit: Array(payload.readableBytesView),
                share: share, ignoresNextPacket: negotiation.ignoresNextPacket))
        return ECDHInit(share: share.bytes).encoded
    }

    /// The server's share and proof.
    ///
    /// - Returns: The host key to ask about, or nil when nothing is to be asked: the packet was a wrong guess, or the key
    ///   is the one that was accepted before; `needsNewKeys` tells them apart.
    mutating func receiveReply(
        _ payload: ByteBuffer, serverIdentification: String
    ) throws(ProtocolError) -> HostKeyOffer? {
        guard case .replyAwaited(var exchange) = state else {
            throw .unexpected("The host sent a key exchange reply that nobody waits for.")
        }
        if exchange.ignoresNextPacket {
            exchange.ignoresNextPacket = false
            state = .replyAwaited(exchange)
            return nil
        }
        let reply = try ECDHReply(payload)
        let hostKey = try Self.hostKey(reply, exchange.algorithms.hostKey)
        let secret = try exchange.share.finish(reply.share)
        let hash = exchange.algorithms.keyExchange.hash.digest(
            transcript(exchange, reply, secret, serverIdentification))
        try Self.verify(reply, hostKey, exchange.algorithms.hostKey, hash)
        let outcome = Outcome(
            algorithms: exchange.algorithms, secret: secret, hash: hash, hostKey: hostKey, hostKeyBlob: reply.hostKey)

        guard let known = hostKeyBlob else {
            state = .decisionAwaited(outcome)
            return HostKeyOffer(publicKey: hostKey, algorithm: exchange.algorithms.hostKey)
        }
        guard known == reply.hostKey else {
            throw ProtocolError(
                .hostKeyChangedOnRekey, "The host came with another host key in the middle of the connection.",
                reason: .hostKeyNotVerifiable)
        }
        state = .newKeysAwaited(outcome)
        return nil
    }

    /// The owner accepts the host key of the first exchange.
    mutating func accept() throws(ProtocolError) {
        guard case .decisionAwaited(let outcome) = state else {
            throw ProtocolError(.internalFailure, "No host key waits for an answer.", reason: .byApplication)
        }
        hostKeyBlob = outcome.hostKeyBlob
        sessionID = outcome.hash
        state = .newKeysAwaited(outcome)
    }

    /// What our NEWKEYS puts into force, once it may be sent.
    func makeSealer() throws(ProtocolError) -> PacketSealer? {
        guard case .newKeysAwaited(let outcome) = state else { return nil }
        let keys = DirectionKeys(
            outcome, cipher: outcome.algorithms.cipherClientToServer, mac: outcome.algorithms.macClientToServer,
            letters: (UInt8(ascii: "A"), UInt8(ascii: "C"), UInt8(ascii: "E")), sessionID: sessionID ?? outcome.hash)
        do throws(SSHCryptoError) {
            return try PacketSealer(
                cipher: keys.cipher, mac: keys.mac, key: keys.key, iv: keys.iv, macKey: keys.macKey)
        } catch {
            throw .keyExchange("The agreed cipher could not be set up.")
        }
    }

    /// The peer's NEWKEYS: what it puts into force. The exchange is over.
    mutating func receiveNewKeys() throws(ProtocolError) -> (opener: PacketOpener, algorithms: NegotiatedAlgorithms) {
        guard case .newKeysAwaited(let outcome) = state else {
            throw .unexpected("The host changed to new keys before they were agreed on.")
        }
        let keys = DirectionKeys(
            outcome, cipher: outcome.algorithms.cipherServerToClient, mac: outcome.algorithms.macServerToClient,
            letters: (UInt8(ascii: "B"), UInt8(ascii: "D"), UInt8(ascii: "F")), sessionID: sessionID ?? outcome.hash)
        state = .idle
        do throws(SSHCryptoError) {
            let opener = try PacketOpener(
                cipher: keys.cipher, mac: keys.mac, key: keys.key, iv: keys.iv, macKey: keys.macKey)
            return (opener, outcome.algorithms)
        } catch {
            throw .keyExchange("The agreed cipher could not be set up.")
        }
    }

    // MARK: Proof

    /// The key must be of the kind that was agreed on: an RSA key under an Ed25519 agreement is an attack or a fault.
    private static func hostKey(
        _ reply: ECDHReply, _ algorithm: HostKeyAlgorithm
    ) throws(ProtocolError) -> SSHPublicKey {
        let key: SSHPublicKey
        do throws(SSHKeyError) {
            key = try SSHPublicKey(wire: reply.hostKey)
        } catch {
            throw .keyExchange("The host's key is not usable: \(DisplayText.neutralise(error.description, limit: 200))")
        }
        guard key.algorithm == algorithm.keyFormat else {
            throw .keyExchange(
                "The host's key is of the kind \(DisplayText.neutralise(key.algorithm, limit: 64)), "
                    + "but \(algorithm.rawValue) was agreed on.")
        }
        return key
    }

    private static func verify(
        _ reply: ECDHReply, _ key: SSHPublicKey, _ algorithm: HostKeyAlgorithm, _ hash: [UInt8]
    ) throws(ProtocolError) {
        // Each way to fail says the same: an error while verifying is a refusal (CVE-2025-26465).
        let isGood = (try? key.verify(signature: reply.signature, over: hash, algorithm: algorithm.rawValue)) ?? false
        guard isGood else { throw .keyExchange("The host could not prove that it owns its host key.") }
    }

    /// RFC 5656 §4: what the exchange hash is taken over.
    private func transcript(
        _ exchange: Exchange, _ reply: ECDHReply, _ secret: EncodedSharedSecret, _ serverIdentification: String
    ) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeSSHString(clientIdentification)
        buffer.writeSSHString(serverIdentification)
        buffer.writeSSHString(exchange.ownInit)
        buffer.writeSSHString(exchange.peerInit)
        buffer.writeSSHString(reply.hostKey)
        buffer.writeSSHString(exchange.share.bytes)
        buffer.writeSSHString(reply.share)
        buffer.writeBytes(secret.bytes)
        return Array(buffer.readableBytesView)
    }
}

/// The keys of one direction (RFC 4253 §7.2).
private struct DirectionKeys {
    var cipher: CipherName
    var mac: MACName?
    var key: [UInt8]
    var iv: [UInt8]
    var macKey: [UInt8]

    init(
        _ outcome: KeyExchangeMachine.Outcome, cipher: CipherName, mac: MACName?,
        letters: (iv: UInt8, key: UInt8, mac: UInt8), sessionID: [UInt8]
    ) {
        func derive(_ letter: UInt8, _ length: Int) -> [UInt8] {
            guard length > 0 else { return [] }
            return deriveKey(
                hash: outcome.algorithms.keyExchange.hash, secret: outcome.secret, exchangeHash: outcome.hash,
                letter: letter, sessionID: sessionID, length: length)
        }
        self.cipher = cipher
        self.mac = mac
        iv = derive(letters.iv, cipher.ivLength)
        key = derive(letters.key, cipher.keyLength)
        macKey = derive(letters.mac, mac?.keyLength ?? 0)
    }
}

/// Our half of one exchange of shares. A class, because the private half must exist once and be used once.
final class ShareBox {
    let bytes: [UInt8]
    private var exchange: ClientKeyExchange?

    init(_ method: KeyExchangeMethod) throws(ProtocolError) {
        do throws(SSHCryptoError) {
            let exchange = try ClientKeyExchange(method)
            bytes = exchange.share
            self.exchange = exchange
        } catch {
            throw .keyExchange("Our share of the key exchange could not be made.")
        }
    }

    func finish(_ peerShare: [UInt8]) throws(ProtocolError) -> EncodedSharedSecret {
        guard var exchange else { throw .unexpected("The host sent its share of the key exchange twice.") }
        self.exchange = nil
        do throws(SSHCryptoError) {
            return try exchange.finish(peerShare: peerShare)
        } catch {
            throw .keyExchange("The host's share of the key exchange is not valid.")
        }
    }
}
