import NIOCore
import SSHCrypto
import SSHKeys

@testable import SSHProtocol

/// Messages that make sense, with fields as an input has them: noise alone seldom spells a channel request.
enum ConnectionSamples {
    /// One message; the first byte chooses it.
    static func message(_ input: inout FuzzInput) -> [UInt8] {
        let kind = input.byte()
        let message =
            switch kind >> 6 {
            case 0: transport(kind & 63, &input)
            case 1: authentication(kind & 63, &input)
            default: connection(kind & 127, &input)
            }
        return Array(message.readableBytesView)
    }

    private static func transport(_ kind: UInt8, _ input: inout FuzzInput) -> ByteBuffer {
        switch kind % 12 {
        case 0: return keyExchangeInit(&input)
        case 1: return ByteBuffer(message: .newKeys)
        case 2: return KeyExchangeShare(share: share(&input)).encoded(.ecdhInit)
        case 3:
            let key = KeySamples.ed25519
            return KeyExchangeReply(
                hostKey: key.publicKey.blob, share: share(&input), signature: KeySamples.signed[0].signature
            ).encoded(.ecdhReply)
        case 4: return ServiceName(input.boolean() ? ServiceName.userAuth : input.text()).request
        case 5: return ServiceName(ServiceName.userAuth).accept
        case 6:
            var info = ExtensionInfo()
            info.serverSignatureAlgorithms = input.boolean() ? ["ssh-ed25519"] : [input.text()]
            info.supportsPing = true
            info.supportsHostbound = input.boolean()
            info.acceptsDuringAuthentication = input.boolean()
            return info.encoded
        case 7: return Ping(data: input.chunk()).encoded(.ping)
        case 8: return Ping(data: input.chunk()).encoded(.pong)
        case 9: return Disconnect(reason: .byApplication, description: input.text()).encoded
        case 10: return Unimplemented(sequenceNumber: input.uint32()).encoded
        default:
            var message = ByteBuffer(bytes: [32 + input.byte() % 3])
            for _ in 0..<3 { message.writeInteger(input.magnitude()) }
            return message
        }
    }

    private static func share(_ input: inout FuzzInput) -> [UInt8] {
        input.boolean() ? [UInt8](repeating: 9, count: 32) : input.chunk()
    }

    private static func keyExchangeInit(_ input: inout FuzzInput) -> ByteBuffer {
        let choice = input.byte()
        var methods = [
            ["curve25519-sha256"], ["ecdh-sha2-nistp256"], ["diffie-hellman-group-exchange-sha256"],
            ["none", "curve25519-sha256"],
        ][Int(choice & 3)]
        if choice & 4 != 0 { methods += [Negotiation.Marker.strictClient, Negotiation.Marker.strictServer] }
        if choice & 8 != 0 { methods += [Negotiation.Marker.extensionInfoClient] }
        var message = KeyExchangeInit(
            keyExchange: methods, hostKeys: ["ssh-ed25519"],
            ciphers: choice & 16 == 0 ? ["aes128-gcm@openssh.com"] : ["aes128-ctr"], macs: ["hmac-sha2-256"],
            compression: choice & 32 == 0 ? ["none"] : ["zlib@openssh.com"])
        message.firstPacketFollows = choice & 64 != 0
        return message.encoded(cookie: [UInt8](repeating: 3, count: 16))
    }

    private static func authentication(_ kind: UInt8, _ input: inout FuzzInput) -> ByteBuffer {
        let user = UserAuthRequest(username: input.boolean() ? "ada" : input.text())
        let key = input.boolean() ? KeySamples.ed25519.publicKey : KeySamples.ecdsa.publicKey
        switch kind % 12 {
        case 0: return user.none
        case 1: return user.password(input.chunk())
        case 2: return user.passwordChange(old: input.chunk(), new: input.chunk())
        case 3: return user.publicKeyQuery(algorithm: key.algorithm, blob: key.blob)
        case 4:
            var message = user.publicKey(
                algorithm: key.algorithm, blob: input.boolean() ? key.blob : KeySamples.certificate.blob,
                hostKey: input.boolean() ? KeySamples.ed25519.publicKey.blob : nil)
            message.writeSSHString(KeySamples.signed[0].signature)
            return message
        case 5: return user.keyboardInteractive
        case 6: return UserAuthInfoResponse(answers: (0..<input.below(4)).map { _ in input.chunk() }).encoded
        case 7:
            return UserAuthFailure(
                methods: ["publickey", "password", "keyboard-interactive", input.text()].filter { !$0.isEmpty },
                isPartialSuccess: input.boolean()
            ).encoded
        case 8: return ByteBuffer(message: .userAuthSuccess)
        case 9: return UserAuthBanner(text: input.text()).encoded
        case 10: return UserAuthPublicKeyOK(algorithm: key.algorithm, blob: key.blob).encoded
        default:
            let prompts = (0..<input.below(4)).map { _ in
                KeyboardQuestions.Prompt(text: input.text(), echoes: input.boolean())
            }
            return input.boolean()
                ? UserAuthPasswordChange(prompt: input.text()).encoded
                : UserAuthInfoRequest(KeyboardQuestions(prompts: prompts)).encoded
        }
    }

    private static func connection(_ kind: UInt8, _ input: inout FuzzInput) -> ByteBuffer {
        let id = UInt32(input.byte() & 3)
        let address = TCPAddress(host: "h", port: input.magnitude())
        switch kind % 16 {
        case 0:
            let opens = ChannelSamples.opens(address)
            return (input.element(of: opens) ?? .session)
                .encoded(sender: id, window: input.magnitude(), maximumPacket: input.magnitude())
        case 1:
            return ChannelOpenConfirmation(
                recipient: id, sender: id, window: input.magnitude(), maximumPacket: input.magnitude()
            ).encoded
        case 2: return ChannelOpenFailure(recipient: id, reason: input.magnitude(), description: input.text()).encoded
        case 3, 4: return ChannelWindowAdjust(recipient: id, bytes: input.magnitude()).encoded
        case 5, 6: return data(id, nil, Int(min(input.magnitude(), 200_000)))
        case 7: return data(id, input.magnitude(), Int(min(input.magnitude(), 200_000)))
        case 8: return ChannelNotice(recipient: id).encoded(.channelEOF)
        case 9: return ChannelNotice(recipient: id).encoded(.channelClose)
        case 10: return ChannelNotice(recipient: id).encoded(input.boolean() ? .channelSuccess : .channelFailure)
        case 11, 12:
            return (input.element(of: ChannelSamples.requests) ?? .shell)
                .encoded(recipient: id, wantsReply: input.boolean())
        case 13:
            var message = ByteBuffer(message: input.boolean() ? .requestSuccess : .requestFailure)
            message.writeBytes(input.bytes(4))
            return message
        case 14:
            let name = input.element(of: [
                GlobalRequest.keepalive, GlobalRequest.noMoreSessions, "tcpip-forward", "cancel-tcpip-forward", "x",
            ])
            var message = GlobalRequest(name: name ?? "", wantsReply: input.boolean()).encoded
            message.writeSSHString("h")
            message.writeInteger(address.port)
            return message
        default:
            let blobs = [KeySamples.ed25519.publicKey.blob, KeySamples.ecdsa.publicKey.blob, input.chunk()]
            return HostKeyRotation.encoded(
                input.boolean() ? HostKeyRotation.announcement : HostKeyRotation.proof, wantsReply: input.boolean(),
                Array(blobs.prefix(input.below(4))))
        }
    }

    private static func data(_ recipient: UInt32, _ type: UInt32?, _ count: Int) -> ByteBuffer {
        var message = ByteBuffer(message: type == nil ? .channelData : .channelExtendedData, capacity: count + 16)
        message.writeInteger(recipient)
        if let type { message.writeInteger(type) }
        message.writeInteger(UInt32(truncatingIfNeeded: count))
        message.writeRepeatingByte(0x61, count: count)
        return message
    }

    // MARK: Seeds

    /// For each phase: the identification, each kind of message, and what an owner does between.
    static func streams(_ role: ConnectionRole) -> [[UInt8]] {
        let identification = Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)
        let hello = [2, UInt8(identification.count)] + identification
        let first: [UInt8] = [0] + hello + [1, 0, 0x0C, 1, 2, 1, 1, 3, 1, 5, 1, 1, 1, 4]
        let phases = UInt8(truncatingIfNeeded: ConnectionStages.all.count)
        let authentication: [UInt8] = (0..<12).flatMap { kind -> [UInt8] in
            [1, 0x40 | kind, 1, 1, 1, 97, 0, 5, 1, 4]
        }
        let traffic: [UInt8] = (0..<16).flatMap { kind -> [UInt8] in
            [1, 0x80 | kind, 0, 0xA0, 2, 0, 0x2F, 0x2F, 1, 6, 5, 1, 6, 0, 0, 6, 1, 0, 40, 6, 2, 0, 0x23, 4]
        }
        var streams = [first]
        for phase in 0..<phases {
            streams += [authentication, traffic, authentication + traffic].map { [phase] + $0 }
        }
        return streams
    }

    /// A handshake, a channel, data both ways, a rekey, the end.
    static let pairs: [[UInt8]] =
        (0..<16).flatMap { choice in
            traffic.map { [choice << 1] + $0.dropFirst() }
        } + traffic.map { [UInt8(truncatingIfNeeded: ConnectionStages.all.count * 2 - 1)] + $0.dropFirst(2) }

    private static let traffic: [[UInt8]] = [
        [0, 0, 3, 0, 9, 0, 0, 0, 3, 1, 9, 5, 0, 0, 3, 0, 9, 1, 0, 0x4F, 0, 3, 1, 9, 1, 0, 0x30, 1, 0, 9, 9, 0, 3],
        [0, 0, 0, 40, 1, 1, 40, 0, 2, 9, 1, 0, 200, 0, 1, 255, 1, 2, 255, 0, 5, 0x80, 0, 0, 0, 9, 1, 0, 3],
        [13, 0, 9, 0, 0, 0, 3, 1, 9, 5, 1, 0, 3, 0, 9, 1, 0, 0x4F, 0, 5, 0x81, 0, 0, 0, 4, 0, 3],
    ]
}
