import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a tunnel is to lead, as the client wrote it.
struct Destination: Sendable {
    let host: String
    let port: Int

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The address that stands there in so many digits; nil for a name, which the host resolves.
    ///
    /// The old ways to write one count too (inet_aton(3): `0xa9fea9fe`, `169.254.43518`): the host's own resolver knows them.
    var address: SocketAddress? {
        let plain = host.split(separator: "%", maxSplits: 1).first.map(String.init) ?? host
        if let address = try? SocketAddress(ipAddress: plain, port: port) { return address }
        guard !host.isEmpty, host.utf8.allSatisfy({ "0123456789abcdefxABCDEFX.".utf8.contains($0) }) else { return nil }
        var old = in_addr()
        guard inet_aton(host, &old) != 0 else { return nil }
        let bytes = withUnsafeBytes(of: old) { Array($0) }
        return try? SocketAddress(ipAddress: bytes.map { String($0) }.joined(separator: "."), port: port)
    }
}
