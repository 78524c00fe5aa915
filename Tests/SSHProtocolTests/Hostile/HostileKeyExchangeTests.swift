import NIOCore
import SSHCrypto
import SSHKeys
import Testing

@testable import SSHProtocol

/// Cases 8 to 17: key exchange. Before our server; what concerns our client stands in `HandshakeTests`.
@Suite struct HostileKeyExchangeTests {
    private static let lenient: AlgorithmPreferences = {
        var preferences = AlgorithmPreferences.standard
        preferences.keyExchange = [.curve25519]
        return preferences
    }()

    /// A client that does not announce strict key exchange.
    private func lenientClient(_ change: (inout ServerConfiguration) -> Void = { _ in }) -> ScriptedClient {
        let client = ScriptedClient(Self.lenient, change)
        client.isStrictAnnounced = false
        return client
    }

    @Test(
        "case 8: anything before KEXINIT ends a connection under strict order, and no other", arguments: [UInt8(2), 4])
    func case8Before(number: UInt8) throws {
        let message = ByteBuffer(bytes: [number, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        let strict = ScriptedClient()
        strict.beforeInit = [message]
        try strict.begin()
        #expect(strict.error?.code == .unexpectedMessage)
        let other = lenientClient()
        other.beforeInit = [message]
        try other.begin()
        #expect(other.error == nil && other.numbers == [7])
    }

    @Test(
        "case 8: anything within the first exchange ends a connection under strict order",
        arguments: [UInt8(2), 3, 4, 7, 192])
    func case8Within(number: UInt8) throws {
        for place in 0..<2 {
            let client = ScriptedClient()
            let message = ByteBuffer(bytes: [number, 0, 0, 0, 0])
            if place == 0 { client.changeShare = { [message, $0] } } else { client.beforeNewKeys = [message] }
            try? client.begin()
            #expect(client.error?.code == .unexpectedMessage)
        }
    }

    @Test("case 8: the count of packets starts again with the keys, at both ends")
    func case8Sequence() throws {
        let client = try ScriptedClient.joined()
        #expect(client.writer.sequenceNumber == 0)
        #expect(client.server.transport.reader.sequenceNumber == 0)
        #expect(client.server.transport.writer.sequenceNumber == 1)
        let other = lenientClient()
        try other.begin()
        #expect(other.server.transport.reader.sequenceNumber == 3)
    }

    @Test("case 8: a client without strict order is refused where it is required")
    func case8Required() throws {
        let client = lenientClient { $0.algorithms.requiresStrictOrder = true }
        try? client.begin()
        #expect(client.error?.code == .keyExchangeFailed)
    }

    @Test("case 8: EXT_INFO is taken right after the keys, and not during authentication")
    func case8ExtensionInfo() throws {
        let client = try ScriptedClient.joined()
        var info = ExtensionInfo()
        info.acceptsDuringAuthentication = true
        try client.say(info.encoded)
        #expect(client.error == nil)
        try client.say(ServiceName(ServiceName.userAuth).request, info.encoded)
        #expect(client.error?.code == .unexpectedMessage)
    }

    @Test("case 9: a marker that comes or goes in a later KEXINIT changes nothing")
    func case9() throws {
        for isStrict in [true, false] {
            let client = ScriptedClient(Self.lenient)
            client.isStrictAnnounced = isStrict
            try client.begin()
            client.isStrictAnnounced = !isStrict
            client.announcesMarkersAgain = true
            client.server.beginRekey(now: client.now)
            try client.pump()
            #expect(client.error == nil)
            #expect(client.server.keyExchange.isStrict == isStrict)
            try client.say(ServiceName(ServiceName.userAuth).request)
            #expect(client.numbers.last == 6)
        }
    }

    @Test(
        "case 10: what a server sends, a second KEXINIT, and NEWKEYS too early end the connection",
        arguments: [UInt8(20), 21, 31, 32, 33, 34, 5, 50])
    func case10(number: UInt8) throws {
        let client = ScriptedClient()
        let again = client.keyExchange.begin()
        client.changeShare = { _ in [number == 20 ? again : ByteBuffer(bytes: [number])] }
        try? client.begin()
        #expect(client.error?.code == .unexpectedMessage)
    }

    @Test("case 10: a share that comes twice ends the connection, and so does NEWKEYS")
    func case10Twice() throws {
        let client = ScriptedClient()
        client.changeShare = { [$0, $0] }
        try? client.begin()
        #expect(client.error?.code == .unexpectedMessage)
        let keys = try ScriptedClient.joined()
        try keys.say(21)
        #expect(keys.error?.code == .unexpectedMessage)
    }

    @Test(
        "case 11: a client that sends anything else after its KEXINIT is disconnected",
        arguments: [50, 80, 90, 94, 98, 192] as [UInt8])
    func case11(number: UInt8) throws {
        let client = try ScriptedClient.atTheDoor()
        client.authorize = { _ in .accept }
        try client.say(AuthMessage().none)
        client.server.beginRekey(now: client.now)
        // What is sent before our KEXINIT is dealt with.
        try client.writer.send(GlobalRequest(name: "x", wantsReply: true).encoded)
        client.changeShare = { _ in [ByteBuffer(bytes: [number, 0, 0, 0, 0, 0, 0, 0, 0])] }
        try? client.pump()
        #expect(client.error?.code == .unexpectedMessage)
    }

    @Test("case 12: a misshapen or weak share fails the exchange", arguments: KeyExchangeMethod.allCases)
    func case12(method: KeyExchangeMethod) throws {
        guard !method.isGroupExchange else { return }
        let good = try ClientKeyExchange(method).share
        var bad: [[UInt8]] = [[], [0], [1], good + [0], [UInt8](repeating: 0, count: good.count)]
        if method.clientShareLength != nil { bad.append(Array(good.dropLast())) }
        if method.rawValue.hasPrefix("ecdh") {
            bad.append(Array(good.dropLast()) + [(good.last ?? 0) ^ 1])
            bad.append([2] + good.dropFirst())
        }
        if method.rawValue.hasPrefix("mlkem") { bad.append([UInt8](repeating: 0xFF, count: good.count)) }
        for share in bad {
            let preferences = AlgorithmPreferences(keyExchange: [method])
            let client = ScriptedClient(preferences) { $0.algorithms = preferences }
            client.changeShare = { _ in [KeyExchangeShare(share: share).encoded(.ecdhInit)] }
            try? client.begin()
            #expect(client.error?.code == .keyExchangeFailed, "\(method) \(share.count)")
            #expect(client.error?.reason == .keyExchangeFailed)
        }
    }

    @Test("case 12: y of 0, 1, p-1 and p fails the exchange in both roles")
    func case12Ends() throws {
        let p = DHGroup.group14.prime
        let oneLess = Array(p.dropLast()) + [(p.last ?? 1) - 1]
        for y in [[], [1], [0] + oneLess, [0] + p] as [[UInt8]] {
            let preferences = AlgorithmPreferences(keyExchange: [.dhGroup14SHA256])
            let client = ScriptedClient(preferences) { $0.algorithms = preferences }
            client.changeShare = { _ in [KeyExchangeShare(share: y).encoded(.ecdhInit)] }
            try? client.begin()
            #expect(client.error?.code == .keyExchangeFailed)
            let server = ScriptedServer()
            server.offer.keyExchange = ["diffie-hellman-group14-sha256"]
            server.changeReply = { $0.share = y }
            let pair = BackToBack(server)
            try? pair.begin()
            #expect(pair.error?.code == .keyExchangeFailed)
        }
    }

    @Test("case 12: a group that is small, huge, even or no number is not worked in")
    func case12Groups() throws {
        let request = GroupRequest.standard
        func group(_ prime: [UInt8], _ generator: [UInt8] = [2]) -> ByteBuffer {
            var buffer = ByteBuffer()
            buffer.writeSSHString(prime)
            buffer.writeSSHString(generator)
            return buffer
        }
        let odd: (Int) -> [UInt8] = { [0, 0x80] + [UInt8](repeating: 0, count: $0 / 8 - 2) + [1] }
        _ = try request.agreed(on: group([0] + DHGroup.group14.prime))
        for bad in [
            group(odd(1024)), group(odd(2040)), group([0, 1] + odd(8192).dropFirst()), group([]), group([0]),
            group([0] + DHGroup.group14.prime.dropLast() + [0]), group(DHGroup.group14.prime),
            group([0] + DHGroup.group14.prime, []), group([0] + DHGroup.group14.prime, [1]),
            group([0] + DHGroup.group14.prime, [0, 2]), group([0, 0] + DHGroup.group14.prime), ByteBuffer(),
        ] {
            #expect(throws: ProtocolError.self) { try request.agreed(on: bad) }
        }
    }

    @Test("case 12: a wish for a group that nobody has fails the exchange")
    func case12Requests() throws {
        for (minimum, preferred, maximum) in [
            (UInt32(1), UInt32(1), UInt32(1024)), (8193, 9000, 10_000), (4096, 2048, 8192), (2048, 8192, 4096),
            (UInt32.max, UInt32.max, UInt32.max),
        ] {
            let request = GroupRequest(minimum: minimum, preferred: preferred, maximum: maximum)
            #expect(throws: ProtocolError.self) { try request.choice() }
        }
        #expect(try GroupRequest(minimum: 1024, preferred: 2048, maximum: 8192).choice().group == .group14)
    }

    @Test("case 13: secrets with leading zeros and high bits come out the same at both ends")
    func case13() {
        for _ in 0..<100 {
            let preferences = AlgorithmPreferences(keyExchange: [.curve25519], hostKeys: [.ed25519])
            let pair = MachinePair {
                $0.algorithms = preferences
            } client: {
                $0.algorithms = preferences
            }
            pair.begin()
            #expect(pair.isAuthenticated)
        }
    }

    @Test("case 14: a wrong guess of the client is read past, whatever it is", arguments: [UInt8(30), 32, 34, 49])
    func case14Wrong(number: UInt8) throws {
        let client = ScriptedClient(Self.lenient)
        client.guess = ByteBuffer(bytes: [number, 1, 2, 3])
        try client.begin()
        #expect(client.error == nil)
        #expect(client.numbers == [7])
    }

    @Test("case 14: a right guess is used")
    func case14Right() throws {
        let preferences = AlgorithmPreferences(keyExchange: [.curve25519], hostKeys: [.ed25519])
        let client = ScriptedClient(preferences) { $0.algorithms = preferences }
        client.announcesGuess = true
        try client.begin()
        #expect(client.error == nil)
        #expect(client.numbers == [7])
    }

    @Test("case 16: a client that is gone while the owner thinks is let in by no answer, and nothing more is read")
    func case16() throws {
        let client = try ScriptedClient.atTheDoor()
        client.authorize = { _ in nil }
        try client.say(AuthMessage().none)
        // More requests come while the first one waits.
        try client.say(AuthMessage().none, AuthMessage().none)
        #expect(client.requests.count == 1)
        client.server.connectionLost()
        client.takeEvents()
        #expect(client.error?.code == .connectionLost)
        client.server.answerAuthorization(.accept, now: client.now)
        client.takeEvents()
        #expect(!client.isAuthenticated)
        #expect(client.server.authenticatedUser == nil)
        #expect(client.requests.count == 1)
    }

    @Test("case 17: the session stays the same through later exchanges")
    func case17() throws {
        let client = try ScriptedClient.joined()
        let session = client.server.sessionID
        for _ in 0..<3 {
            client.server.beginRekey(now: client.now)
            try client.writer.send(client.keyExchange.begin())
            try client.pump()
        }
        #expect(client.error == nil)
        #expect(client.server.sessionID == session)
        #expect(client.keyExchange.sessionID == session)
    }

    @Test("case 20: thousands of packets that mean nothing before the keys end the connection")
    func case20() throws {
        let client = lenientClient()
        client.beforeInit = (0..<1100).map { _ in ByteBuffer(bytes: [2, 0, 0, 0, 0]) }
        try? client.begin()
        #expect(client.error?.code == .limitExceeded)
    }
}
