import NIOCore
import SSHCrypto
import SSHKeys

@testable import SSHProtocol

/// The server's end of a connection, with real cryptography and no manners: it answers as its script says, and a test may
/// make it send anything at any time.
final class ScriptedServer {
    var identification = "SSH-2.0-Scripted_1.0"
    /// What goes out before the identification.
    var preface = ""
    var hostKey = SSHPrivateKey.generateEd25519()
    var hostKeyAlgorithm = "ssh-ed25519"
    var offer = KeyExchangeInit(
        keyExchange: ["curve25519-sha256", Negotiation.Marker.strictServer], hostKeys: ["ssh-ed25519"],
        ciphers: ["aes128-gcm@openssh.com"], macs: ["hmac-sha2-256"])
    /// Sent in this order before the KEXINIT.
    var beforeInit: [ByteBuffer] = []
    /// Changes the reply of the key exchange before it is signed, and after.
    var changeReply: (inout Reply) -> Void = { _ in }
    /// server-sig-algs of EXT_INFO; nil sends none.
    var announcedAlgorithms: [String]?
    /// Answers authentication requests; by default everybody is let in.
    var authenticate: (AuthRequest) -> [ByteBuffer] = { _ in [ByteBuffer(message: .userAuthSuccess)] }
    /// Answers that replace the server's own, by message number.
    var answers: [UInt8: (ScriptedServer, ByteBuffer) throws -> Void] = [:]

    struct Reply {
        var hostKey: [UInt8]
        var share: [UInt8]
        /// nil: signed properly.
        var signature: [UInt8]?
        var signatureAlgorithm: String
    }

    struct AuthRequest {
        var method: String
        var isSigned = false
        var algorithm = ""
        var password = ""
    }

    private(set) var reader = PacketReader()
    private(set) var writer = PacketWriter()
    private(set) var clientIdentification: String?
    private(set) var sessionID: [UInt8]?
    /// Every payload that came, message number included.
    private(set) var received: [ByteBuffer] = []
    private(set) var exchanges = 0
    private var identificationReader = IdentificationReader()
    private var ownInit: [UInt8]?
    private var clientInit: [UInt8]?
    private var clientOffer: KeyExchangeInit?
    private var pending: (sealer: PacketSealer, opener: PacketOpener)?
    private var isStrict = false

    var numbers: [UInt8] { received.compactMap { $0.getInteger(at: $0.readerIndex, as: UInt8.self) } }

    func start() throws {
        if !preface.isEmpty { writer.writeIdentification(preface) }
        writer.writeIdentification(identification)
        for message in beforeInit { try send(message) }
        try sendInit()
    }

    // MARK: Bytes

    func take() -> ByteBuffer? { writer.take() }

    func receive(_ bytes: ByteBuffer) throws {
        reader.receive(bytes)
        if clientIdentification == nil {
            guard let line = try reader.readIdentification(&identificationReader) else { return }
            clientIdentification = line
        }
        while let payload = try reader.next() { try handle(payload) }
    }

    func send(_ payload: ByteBuffer) throws { try writer.send(payload) }

    func handleAgain(_ payload: ByteBuffer) throws {
        received.removeAll { $0 == payload }
        try handle(payload)
    }

    func send(_ number: UInt8, _ body: [UInt8] = []) throws { try send(ByteBuffer(bytes: [number] + body)) }

    // MARK: Answers

    private func handle(_ payload: ByteBuffer) throws {
        received.append(payload)
        var body = payload
        let number = body.readInteger(as: UInt8.self) ?? 0
        if let answer = answers[number] { return try answer(self, body) }
        switch MessageNumber(rawValue: number) {
        case .keyExchangeInit:
            clientInit = Array(payload.readableBytesView)
            clientOffer = try KeyExchangeInit(body)
            if ownInit == nil { try sendInit() }
        case .ecdhInit: try reply(body)
        case .newKeys:
            guard let pending else { return }
            try reader.install(pending.opener, .none, resetsSequence: isStrict)
            self.pending = nil
        case .serviceRequest:
            var accept = ByteBuffer(message: .serviceAccept)
            accept.writeSSHString("ssh-userauth")
            try send(accept)
        case .userAuthRequest:
            for answer in authenticate(try Self.parse(body)) { try send(answer) }
        default: break
        }
    }

    func sendInit() throws {
        let payload = offer.encoded(cookie: [UInt8](repeating: 9, count: 16))
        ownInit = Array(payload.readableBytesView)
        try send(payload)
    }

    private func reply(_ body: ByteBuffer) throws {
        var fields = MessageReader(body, of: "KEX_ECDH_INIT")
        let clientShare = try fields.bytes()
        let names = clientOffer?.keyExchange ?? []
        let method = KeyExchangeMethod.allCases.first {
            offer.keyExchange.contains($0.rawValue) && names.contains($0.rawValue)
        }
        let answer = try ServerKeyExchange.respond(method ?? .curve25519, peerShare: clientShare)
        var reply = Reply(
            hostKey: hostKey.publicKey.blob, share: answer.share, signature: nil, signatureAlgorithm: hostKeyAlgorithm)
        changeReply(&reply)

        var transcript = ByteBuffer()
        transcript.writeSSHString(clientIdentification ?? "")
        transcript.writeSSHString(identification)
        transcript.writeSSHString(clientInit ?? [])
        transcript.writeSSHString(ownInit ?? [])
        transcript.writeSSHString(reply.hostKey)
        transcript.writeSSHString(clientShare)
        transcript.writeSSHString(reply.share)
        transcript.writeBytes(answer.secret.bytes)
        let hash = (method ?? .curve25519).hash.digest(Array(transcript.readableBytesView))
        let signature = try reply.signature ?? hostKey.sign(hash, algorithm: reply.signatureAlgorithm)

        var message = ByteBuffer(message: .ecdhReply)
        message.writeSSHString(reply.hostKey)
        message.writeSSHString(reply.share)
        message.writeSSHString(signature)
        try send(message)
        try changeKeys(method ?? .curve25519, answer.secret, hash)
    }

    private func changeKeys(_ method: KeyExchangeMethod, _ secret: EncodedSharedSecret, _ hash: [UInt8]) throws {
        if sessionID == nil {
            isStrict = offer.keyExchange.contains(Negotiation.Marker.strictServer)
        }
        let session = sessionID ?? hash
        sessionID = session
        let cipher = CipherName.allCases.first { offer.ciphersClientToServer.contains($0.rawValue) } ?? .aes128GCM
        let mac = cipher.isAEAD ? nil : MACName.allCases.first { offer.macsClientToServer.contains($0.rawValue) }
        func derive(_ letter: Character, _ length: Int) -> [UInt8] {
            deriveKey(
                hash: method.hash, secret: secret, exchangeHash: hash, letter: letter.asciiValue ?? 0,
                sessionID: session, length: length)
        }
        let macLength = mac?.keyLength ?? 0
        let opener = try PacketOpener(
            cipher: cipher, mac: mac, key: derive("C", cipher.keyLength), iv: derive("A", cipher.ivLength),
            macKey: derive("E", macLength))
        let sealer = try PacketSealer(
            cipher: cipher, mac: mac, key: derive("D", cipher.keyLength), iv: derive("B", cipher.ivLength),
            macKey: derive("F", macLength))
        try send(ByteBuffer(message: .newKeys))
        try writer.install(sealer, .none, resetsSequence: isStrict)
        pending = (sealer, opener)
        exchanges += 1
        ownInit = nil
        if exchanges == 1, let announcedAlgorithms {
            var info = ByteBuffer(message: .extensionInfo)
            info.writeInteger(UInt32(1))
            info.writeSSHString("server-sig-algs")
            info.writeNameList(announcedAlgorithms)
            try send(info)
        }
    }

    private static func parse(_ body: ByteBuffer) throws -> AuthRequest {
        var fields = MessageReader(body, of: "USERAUTH_REQUEST")
        _ = try fields.text()
        _ = try fields.text()
        var request = AuthRequest(method: try fields.text())
        switch request.method {
        case "publickey":
            request.isSigned = try fields.boolean()
            request.algorithm = try fields.text()
        case "password":
            _ = try fields.boolean()
            request.password = try fields.text()
        default: break
        }
        return request
    }
}

// MARK: Messages that servers send

extension ByteBuffer {
    static func userAuthFailure(_ methods: String, partial: Bool = false) -> ByteBuffer {
        var message = ByteBuffer(message: .userAuthFailure)
        message.writeSSHString(methods)
        message.writeSSHBoolean(partial)
        return message
    }

    static func infoRequest(_ questions: [(String, Bool)]) -> ByteBuffer {
        var message = ByteBuffer(message: .userAuthMethod60)
        for _ in 0..<3 { message.writeSSHString("") }
        message.writeInteger(UInt32(questions.count))
        for (text, echoes) in questions {
            message.writeSSHString(text)
            message.writeSSHBoolean(echoes)
        }
        return message
    }

    static func confirmation(
        _ recipient: UInt32, sender: UInt32 = 77, window: UInt32 = 1 << 20, maximumPacket: UInt32 = 32768
    ) -> ByteBuffer {
        var message = ByteBuffer(message: .channelOpenConfirmation)
        message.writeInteger(recipient)
        message.writeInteger(sender)
        message.writeInteger(window)
        message.writeInteger(maximumPacket)
        return message
    }

    static func data(_ recipient: UInt32, _ bytes: [UInt8], type: UInt32? = nil) -> ByteBuffer {
        var message = ByteBuffer(message: type == nil ? .channelData : .channelExtendedData)
        message.writeInteger(recipient)
        if let type { message.writeInteger(type) }
        message.writeSSHString(bytes)
        return message
    }

    static func notice(_ number: MessageNumber, _ recipient: UInt32) -> ByteBuffer {
        ChannelNotice(recipient: recipient).encoded(number)
    }

    static func channelRequest(_ recipient: UInt32, _ type: String, wantsReply: Bool, _ body: [UInt8]) -> ByteBuffer {
        var message = ByteBuffer(message: .channelRequest)
        message.writeInteger(recipient)
        message.writeSSHString(type)
        message.writeSSHBoolean(wantsReply)
        message.writeBytes(body)
        return message
    }
}

extension ScriptedServer {
    /// Deals with the last message of a number again, which an answer of the script had swallowed.
    func replay(_ number: UInt8) throws {
        guard let last = received.last(where: { $0.getInteger(at: $0.readerIndex, as: UInt8.self) == number }) else {
            return
        }
        try handleAgain(last)
    }
}
