import NIOCore
import SSHKeys

@testable import SSHProtocol

extension FuzzTarget {
    static let messages: [FuzzTarget] = [
        FuzzTarget("messages", seeds: { MessageCodec.seeds }) { try MessageCodec.read($0) },
        FuzzTarget("display-text") { try checkDisplayText($0) },
    ]

    @Sendable private static func checkDisplayText(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let (limit, keepsLines) = (Int(input.byte()), input.boolean())
        let text = String(decoding: input.rest, as: UTF8.self)
        let shown = DisplayText.neutralise(text, limit: limit, keepsLines: keepsLines)
        try hold(shown.unicodeScalars.count <= limit + 1, "More than \(limit) characters are shown")
        for scalar in shown.unicodeScalars where scalar.properties.generalCategory == .control {
            try hold(keepsLines && (scalar == "\n" || scalar == "\t"), "A control character is shown")
        }
    }
}

/// Reads and writes each message of the protocol.
///
/// The first byte of an input chooses the message, the rest is its payload behind the number. What could be read must come
/// out the same when it is written and read again.
enum MessageCodec {
    private typealias Step = @Sendable (ByteBuffer) throws -> Void

    static func read(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let choice = input.below(steps.count)
        do {
            try steps[choice](ByteBuffer(bytes: input.rest))
        } catch let error as FuzzFinding {
            throw error
        } catch is ProtocolError {
            // What it should be.
        } catch is SSHKeyError {
        }
    }

    /// Behind the message number.
    private static func body(_ message: ByteBuffer) -> ByteBuffer {
        message.getSlice(at: message.readerIndex + 1, length: max(0, message.readableBytes - 1)) ?? ByteBuffer()
    }

    /// Written, read and written again, it must be the same bytes.
    private static func isStable(_ written: ByteBuffer, _ readAgain: (ByteBuffer) throws -> ByteBuffer) throws {
        let again: ByteBuffer
        do { again = try readAgain(body(written)) } catch {
            throw FuzzFinding("A message that we write we do not read: \(written.readableBytesView.map { $0 })")
        }
        try hold(written == again, "A message changes when it is read and written again")
    }

    private static let steps: [Step] = transport + authentication + connection + rotation

    private static let transport: [Step] = [
        { _ = Disconnect($0).encoded },
        { try isStable(ServiceName($0).request) { try ServiceName($0).request } },
        { try isStable(ExtensionInfo($0).encoded) { try ExtensionInfo($0).encoded } },
        { try isStable(Ping($0).encoded(.ping)) { try Ping($0).encoded(.ping) } },
        { payload in
            let cookie = [UInt8](repeating: 1, count: 16)
            try isStable(KeyExchangeInit(payload).encoded(cookie: cookie)) {
                try KeyExchangeInit($0).encoded(cookie: cookie)
            }
        },
        { try isStable(KeyExchangeShare($0).encoded(.ecdhInit)) { try KeyExchangeShare($0).encoded(.ecdhInit) } },
        { try isStable(KeyExchangeReply($0).encoded(.ecdhReply)) { try KeyExchangeReply($0).encoded(.ecdhReply) } },
        { payload in
            let theirs = try KeyExchangeInit(payload)
            for role in ConnectionRole.allCases {
                _ = try? Negotiation(role: role, .standard, peer: theirs, isStrict: true)
            }
        },
    ]

    private static let authentication: [Step] = [
        { payload in
            var request = try ReceivedAuthRequest(payload)
            var copy = request
            switch request.method {
            case "password": _ = try request.password()
            case "keyboard-interactive": _ = try request.keyboardInteractive()
            case "none": try request.end()
            default: _ = try request.publicKey()
            }
            if let key = try? copy.publicKey() { _ = try? PublicIdentity(wire: key.blob) }
        },
        { _ = try ReceivedInfoResponse.answers($0, expected: 2) },
        { try isStable(UserAuthPublicKeyOK($0).encoded) { try UserAuthPublicKeyOK($0).encoded } },
        { try isStable(UserAuthFailure($0).encoded) { try UserAuthFailure($0).encoded } },
        { try isStable(UserAuthBanner($0).encoded) { try UserAuthBanner($0).encoded } },
        { try isStable(UserAuthPasswordChange($0).encoded) { try UserAuthPasswordChange($0).encoded } },
        { payload in
            let request = try UserAuthInfoRequest(payload)
            try hold(request.questions.count <= UserAuthInfoRequest.maximumQuestions, "Too many questions")
        },
    ]

    private static let connection: [Step] = [
        { payload in
            let request = try GlobalRequest(payload)
            guard let kind = InboundGlobalRequest.Kind(request) else { return }
            switch kind {
            case .forward(let forward):
                try isStable(forward.encoded(cancels: false)) { again in
                    guard case .forward(let same)? = InboundGlobalRequest.Kind(try GlobalRequest(again)) else {
                        throw FuzzFinding("A forward is read as something else")
                    }
                    return same.encoded(cancels: false)
                }
            case .cancelForward: break
            }
        },
        { payload in
            guard let request = try ChannelOpenRequest(try ChannelOpen(payload)) else { return }
            _ = request.isPossible
            try isStable(request.encoded(sender: 1, window: 2, maximumPacket: 3)) { again in
                try ChannelOpenRequest(try ChannelOpen(again))?.encoded(sender: 1, window: 2, maximumPacket: 3)
                    ?? ByteBuffer()
            }
        },
        { try isStable(ChannelOpenConfirmation($0).encoded) { try ChannelOpenConfirmation($0).encoded } },
        { try isStable(ChannelOpenFailure($0).encoded) { try ChannelOpenFailure($0).encoded } },
        { try isStable(ChannelWindowAdjust($0).encoded) { try ChannelWindowAdjust($0).encoded } },
        { _ = try ChannelData($0, isExtended: false) },
        { _ = try ChannelData($0, isExtended: true) },
        { try isStable(ChannelNotice($0).encoded(.channelEOF)) { try ChannelNotice($0).encoded(.channelEOF) } },
        { payload in
            guard let request = try SessionRequest(try ChannelRequest(payload)) else { return }
            try isStable(request.encoded(recipient: 1, wantsReply: true)) { again in
                try SessionRequest(try ChannelRequest(again))?.encoded(recipient: 1, wantsReply: true) ?? ByteBuffer()
            }
        },
        { payload in
            guard let modes = TerminalModes(encoded: Array(payload.readableBytesView)) else { return }
            try hold(TerminalModes(encoded: modes.encoded) == modes, "Terminal modes change")
        },
    ]

    private static let rotation: [Step] = [
        { try hold(HostKeyRotation.blobs($0).count <= HostKeyRotation.maximumKeys, "Too many host keys") }
    ]

    /// A message that we write, for each step that has one.
    static var seeds: [[UInt8]] {
        let lists = KeyExchangeInit(
            keyExchange: ["curve25519-sha256"], hostKeys: ["ssh-ed25519"], ciphers: ["aes128-ctr"],
            macs: ["hmac-sha2-256"])
        var info = ExtensionInfo()
        info.serverSignatureAlgorithms = ["ssh-ed25519", "rsa-sha2-256"]
        info.supportsPing = true
        let address = TCPAddress(host: "localhost", port: 80)
        let user = UserAuthRequest(username: "ada")
        let questions = KeyboardQuestions(name: "n", prompts: [.init(text: "Code:", echoes: true)])
        let first: [[ByteBuffer]] = [
            [Disconnect(reason: .byApplication, description: "bye").encoded],
            [ServiceName(ServiceName.userAuth).request], [info.encoded], [Ping(data: [1, 2]).encoded(.ping)],
            [lists.encoded(cookie: [UInt8](repeating: 1, count: 16))],
            [KeyExchangeShare(share: [1]).encoded(.ecdhInit)],
            [KeyExchangeReply(hostKey: [1], share: [2], signature: [3]).encoded(.ecdhReply)],
            [lists.encoded(cookie: [UInt8](repeating: 1, count: 16))],
        ]
        let second: [[ByteBuffer]] = [
            [
                user.none, user.password([1]), user.passwordChange(old: [1], new: [2]), user.keyboardInteractive,
                user.publicKeyQuery(algorithm: "ssh-ed25519", blob: [1]),
                user.publicKey(algorithm: "ssh-ed25519", blob: [1], hostKey: [2]),
            ],
            [UserAuthInfoResponse(answers: [[1], [2]]).encoded],
            [UserAuthPublicKeyOK(algorithm: "ssh-ed25519", blob: [1]).encoded],
            [UserAuthFailure(methods: ["password"], isPartialSuccess: true).encoded],
            [UserAuthBanner(text: "hello").encoded], [UserAuthPasswordChange(prompt: "new").encoded],
            [UserAuthInfoRequest(questions).encoded],
        ]
        let third: [[ByteBuffer]] = [
            [
                RemoteForward.tcp(address).encoded(cancels: false),
                RemoteForward.unix(path: "/s").encoded(cancels: true),
            ],
            ChannelSamples.opens(address).map { $0.encoded(sender: 1, window: 2, maximumPacket: 3) },
            [ChannelOpenConfirmation(recipient: 1, sender: 2, window: 3, maximumPacket: 4).encoded],
            [ChannelOpenFailure(recipient: 1, reason: 2, description: "no").encoded],
            [ChannelWindowAdjust(recipient: 1, bytes: 2).encoded], [], [],
            [ChannelNotice(recipient: 1).encoded(.channelEOF)],
            ChannelSamples.requests.map { $0.encoded(recipient: 1, wantsReply: true) },
        ]
        let forKinds = first + second + third
        return forKinds.enumerated().flatMap { kind, messages in
            messages.map { [UInt8(truncatingIfNeeded: kind)] + Array(body($0).readableBytesView) }
        }
    }
}

enum ChannelSamples {
    static func opens(_ address: TCPAddress) -> [ChannelOpenRequest] {
        [
            .session, .agent, .directTCPIP(target: address, originator: address),
            .forwardedTCPIP(connected: address, originator: address), .directStreamLocal(path: "/run/s"),
            .forwardedStreamLocal(path: "/run/s"), .x11(originator: address),
        ]
    }

    static let requests: [SessionRequest] = [
        .terminal(type: "xterm", columns: 80, rows: 24, modes: .interactive), .environment(name: "LANG", value: "C"),
        .shell, .exec([108, 115]), .subsystem("sftp"), .windowChange(columns: 1, rows: 2), .signal("TERM"),
        .breakSignal(milliseconds: 500), .x11(X11Request(cookie: "00ff")), .agentForwarding, .exitStatus(3),
        .exitSignal(ExitSignal(name: "KILL")),
    ]
}
