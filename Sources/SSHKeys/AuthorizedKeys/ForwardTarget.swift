/// One target of permitopen or permitlisten.
public struct ForwardTarget: Sendable, Hashable {
    /// A name or an address; nil for any.
    public let host: String?
    /// 1 to 65535; nil for any.
    public let port: Int?

    public init(host: String?, port: Int?) {
        self.host = host
        self.port = port
    }

    /// Reads "host:port", "[2001:db8::1]:port", either of them "*".
    ///
    /// - Parameter mayLackHost: whether "port" alone means any host.
    init?(_ text: String, mayLackHost: Bool) {
        let port: Substring
        if let colon = text.lastIndex(of: ":") {
            var name = text[..<colon]
            port = text[text.index(after: colon)...]
            if name.first == "[", name.last == "]" {
                name = name.dropFirst().dropLast()
            } else if name.contains(":") {
                return nil
            }
            guard !name.isEmpty else { return nil }
            host = name == "*" ? nil : String(name)
        } else {
            guard mayLackHost else { return nil }
            host = nil
            port = text[...]
        }
        guard port != "*" else {
            self.port = nil
            return
        }
        guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port), (1...65535).contains(number)
        else { return nil }
        self.port = number
    }

    /// permitopen: whether a forward may lead to this host and port. Names compare as they were asked for.
    public func permitsOpening(host: String, port: Int) -> Bool {
        (self.port == nil || self.port == port) && (self.host.map { $0.utf8.elementsEqual(host.utf8) } ?? true)
    }

    /// permitlisten: whether a forward may listen there. The name of the line may be a pattern.
    public func permitsListening(host: String, port: Int) -> Bool {
        (self.port == nil || self.port == port)
            && (self.host.map { WildcardPattern($0, ignoresCase: true).matches(host) } ?? true)
    }
}
