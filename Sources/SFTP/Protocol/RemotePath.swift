// Names of files at the other end. Bytes, not text: the protocol names no encoding, and a name that is no UTF-8 must
// survive a transfer.

import SSHProtocol

/// A path at a server, with "/" between its components.
///
/// ```swift
/// let path: RemotePath = "/var/log"
/// try path.appending("syslog")    // throws for "..", "a/b", "" and names with NUL
/// ```
public struct RemotePath: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
    /// As the server has them; not always UTF-8.
    public var bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }
    public init(_ text: String) { bytes = Array(text.utf8) }
    public init(stringLiteral value: String) { self.init(value) }

    /// As text that is harmless to show.
    public var description: String { DisplayText.neutralise(String(decoding: bytes, as: UTF8.self), limit: 1024) }

    /// Whether it begins at the root. Others begin at the session's home.
    public var isAbsolute: Bool { bytes.first == UInt8(ascii: "/") }

    /// The last component; empty for "/" and "".
    public var lastComponent: RemotePath { RemotePath(bytes: components.last ?? []) }

    /// The non-empty components.
    var components: [[UInt8]] { bytes.split(separator: UInt8(ascii: "/")).map { Array($0) } }

    /// The path of something in this directory.
    ///
    /// - Parameter name: One component, as a directory listing brings it.
    /// - Throws: `unsafe_name` when the name is empty, ".", "..", or holds "/" or NUL: joined to a path it would lead
    ///   elsewhere.
    public func appending(_ name: RemotePath) throws(SFTPError) -> RemotePath {
        guard name.isSafeComponent else { throw .unsafeName(name, in: self) }
        return joined(name)
    }

    func joined(_ name: RemotePath) -> RemotePath {
        if bytes.isEmpty { return name }
        if bytes.last == UInt8(ascii: "/") { return RemotePath(bytes: bytes + name.bytes) }
        return RemotePath(bytes: bytes + [UInt8(ascii: "/")] + name.bytes)
    }

    /// Whether it names one thing in a directory and nothing else.
    public var isSafeComponent: Bool {
        guard !bytes.isEmpty, bytes.count <= 255, bytes != [46], bytes != [46, 46] else { return false }
        return !bytes.contains { $0 == 0 || $0 == UInt8(ascii: "/") }
    }

    /// The absolute path with ".", ".." and doubled slashes taken out by its letters alone, as seen from `home`; ".." at
    /// the root stays there. No file is looked at.
    func normalised(from home: RemotePath = "/") -> RemotePath {
        var result: [[UInt8]] = []
        for component in (isAbsolute ? [] : home.components) + components {
            switch component {
            case [46]: continue
            case [46, 46]: result.removeLast(min(1, result.count))
            default: result.append(component)
            }
        }
        return RemotePath(bytes: [UInt8(ascii: "/")] + Array(result.joined(separator: [UInt8(ascii: "/")])))
    }
}
