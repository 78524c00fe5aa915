public import SSH

/// Everything a shim needs to know.
public struct ShimConfiguration: Sendable {
    /// At least one. With several, the user that a client names picks one.
    public var upstreams: [ShimUpstream]
    /// Where clients come in.
    public var doors: [ShimDoor]
    /// At least one.
    public var hostKeys: [SSHPrivateKey]
    public var limits = UpstreamLimits()
    /// Told what happens, on the event loop.
    public var observe: @Sendable (ShimEvent) -> Void = { _ in }

    public init(upstreams: [ShimUpstream], doors: [ShimDoor], hostKeys: [SSHPrivateKey]) {
        self.upstreams = upstreams
        self.doors = doors
        self.hostKeys = hostKeys
    }

    func validate() throws(ShimError) {
        var names: Set<String> = []
        for upstream in upstreams {
            guard Self.isName(upstream.name) else {
                throw ShimError(
                    .upstreamName,
                    "“\(DisplayText.neutralise(upstream.name, limit: 64))” is not a name for an upstream.",
                    hint: "Use letters, digits, dots, dashes and underscores.")
            }
            guard names.insert(upstream.name).inserted else {
                throw ShimError(
                    .upstreamName, "Two upstreams are named \(upstream.name).", hint: "Give one another name.")
            }
        }
        for door in doors {
            if let name = door.upstream, !names.contains(name) {
                throw ShimError(.upstreamName, "No upstream is named \(name).", hint: "Name one that is given.")
            }
            guard case .anyLocalUser = door.admits, case .tcp(let host, _) = door.endpoint else { continue }
            guard Self.isLoopback(host) else {
                throw ShimError(
                    .insecure, "Everybody on the network could use the connection through \(door.endpoint).",
                    hint: "Listen on 127.0.0.1, or leave the door to its owner's keys.")
            }
        }
    }

    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || ".-_".utf8.contains(byte)
            }
    }

    /// 127.0.0.0/8 and ::1, and the name that means them.
    public static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && host.split(separator: ".").count == 4)
    }
}
