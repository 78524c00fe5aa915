// X11 forwarding at the client: RFC 4254 §6.3. The host gets a cookie of our own making; only connections that bring it are
// let through, with the display's real one in its place (§6.3.1).

import NIOCore
import SSHCrypto
public import SSHProtocol

/// A display of this machine, and the cookie that opens it.
public struct X11Display: Sendable, Hashable {
    /// Where its server listens.
    public var endpoint: SSHForwardEndpoint
    public var screen: UInt32
    /// The name of the authorisation, such as "MIT-MAGIC-COOKIE-1".
    public var protocolName: String
    /// The real cookie, from `xauth list`. Never sent to a host.
    public var cookie: [UInt8]

    public init(
        endpoint: SSHForwardEndpoint, screen: UInt32 = 0, protocolName: String = "MIT-MAGIC-COOKIE-1", cookie: [UInt8]
    ) {
        self.endpoint = endpoint
        self.screen = screen
        self.protocolName = protocolName
        self.cookie = cookie
    }

    /// From the value of DISPLAY, such as ":0", "unix:0.1" or "localhost:10.0"; nil when it names no display.
    public init?(name: String, protocolName: String = "MIT-MAGIC-COOKIE-1", cookie: [UInt8]) {
        guard let colon = name.lastIndex(of: ":") else { return nil }
        let host = String(name[..<colon])
        let numbers = name[name.index(after: colon)...].split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(numbers.count), let number = Int(numbers[0]), (0..<59_535).contains(number) else {
            return nil
        }
        let isLocal = host.isEmpty || host == "unix"
        self.init(
            endpoint: isLocal ? .unix(path: "/tmp/.X11-unix/X\(number)") : .tcp(host: host, port: 6000 + number),
            screen: numbers.count == 2 ? UInt32(numbers[1]) ?? 0 : 0, protocolName: protocolName, cookie: cookie)
    }
}

/// A display of this machine as it is lent to a host: under a cookie of our own making.
public struct SSHX11Forward: Sendable {
    public let display: X11Display
    private let fake = randomBytes(16)

    public init(to display: X11Display) { self.display = display }

    /// What a session asks for with `SSHSessionChannel.requestX11`.
    public var request: X11Request {
        let cookie = fake.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return X11Request(protocolName: display.protocolName, cookie: cookie, screen: display.screen)
    }

    /// For one connection of the host's programs.
    var exchange: X11CookieExchange { X11CookieExchange(fake: fake, display: display) }
}

extension SSHConnection {
    /// Lets programs of this connection's sessions reach a display, those that bring the cookie which goes to the host.
    ///
    /// - Returns: What a session asks for with `SSHSessionChannel.requestX11`.
    public func forwardX11(to display: X11Display) -> X11Request {
        let forward = SSHX11Forward(to: display)
        let tunnels = NIOLoopBoundBox.makeBoxSendingValue(TunnelSet(), eventLoop: eventLoop)
        handleX11Channels { incoming in
            SocketListener.answer(
                incoming, with: display.endpoint, tunnels: tunnels.value, exchange: forward.exchange)
        }
        return forward.request
    }
}

/// The beginning of an X11 connection with the cookie in it (X Window System Protocol, "Connection Setup").
struct X11CookieExchange: Sendable {
    enum Step {
        case needsMore
        /// What goes to the display; everything after it passes untouched.
        case pass(ByteBuffer)
        case refuse
    }

    private let fake: [UInt8]
    private let display: X11Display
    private var input = ByteBuffer()

    init(fake: [UInt8], display: X11Display) {
        self.fake = fake
        self.display = display
    }

    mutating func advance(_ data: ByteBuffer) -> Step {
        input.writeImmutableBuffer(data)
        var rest = input
        guard let order = rest.readInteger(as: UInt8.self) else { return .needsMore }
        guard order == UInt8(ascii: "B") || order == UInt8(ascii: "l") else { return .refuse }
        let endianness: Endianness = order == UInt8(ascii: "B") ? .big : .little
        guard let versions = rest.readSlice(length: 5),
            let nameLength = rest.readInteger(endianness: endianness, as: UInt16.self),
            let cookieLength = rest.readInteger(endianness: endianness, as: UInt16.self),
            rest.readSlice(length: 2) != nil
        else { return .needsMore }
        // Longer than any authorisation is: nobody makes us wait for it.
        guard nameLength <= 256, cookieLength <= 256 else { return .refuse }
        guard let name = rest.readBytes(length: Self.padded(Int(nameLength))),
            let cookie = rest.readBytes(length: Self.padded(Int(cookieLength)))
        else { return .needsMore }
        guard name.prefix(Int(nameLength)) == Array(display.protocolName.utf8)[...], cookieLength == fake.count,
            Self.isEqual(Array(cookie.prefix(fake.count)), fake)
        else { return .refuse }

        var setup = ByteBuffer(integer: order)
        setup.writeImmutableBuffer(versions)
        setup.writeInteger(nameLength, endianness: endianness)
        setup.writeInteger(UInt16(clamping: display.cookie.count), endianness: endianness)
        setup.writeInteger(UInt16(0))
        setup.writeBytes(name)
        setup.writeBytes(display.cookie)
        setup.writeRepeatingByte(0, count: Self.padded(display.cookie.count) - display.cookie.count)
        setup.writeImmutableBuffer(rest)
        return .pass(setup)
    }

    private static func padded(_ count: Int) -> Int { (count + 3) / 4 * 4 }

    /// Takes the same time wherever they differ.
    private static func isEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && zip(one, other).reduce(UInt8(0)) { $0 | $1.0 ^ $1.1 } == 0
    }
}
