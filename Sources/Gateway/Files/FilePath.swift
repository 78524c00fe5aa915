import Audit
import SFTP

/// Paths at a host as requests and answers carry them. A name is bytes, and any byte but "/" and NUL may be in it.
extension RemotePath {
    /// Bytes of a path at most; Linux takes no longer one.
    static let longest = 4096

    /// The bytes with everything but letters, digits, "-._~/" percent-encoded (RFC 3986 §2.1): what a query takes as it
    /// stands, whatever the name.
    public var percentEncoded: String {
        var text = ""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    /// A path that somebody asks for. Empty is the account's home.
    /// - Throws: `invalid` for NUL and for what is longer than any path.
    public static func requested(_ bytes: [UInt8], field: String = "path") throws(GatewayError) -> RemotePath {
        guard bytes.count <= longest, !bytes.contains(0) else {
            throw .invalid(field, "This is no path: it has a NUL byte, or is too long.", hint: "Give another path.")
        }
        return bytes.isEmpty ? "." : RemotePath(bytes: bytes)
    }

    /// The text of the bytes, with replacement characters where they are no UTF-8.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The folder that something is in, and its name there.
    /// - Throws: `invalid` when the path ends in nothing that can be a name: "/", "..", ".".
    func split(field: String = "path") throws(GatewayError) -> (folder: RemotePath, name: RemotePath) {
        var trimmed = bytes
        while trimmed.count > 1, trimmed.last == UInt8(ascii: "/") { trimmed.removeLast() }
        let slash = trimmed.lastIndex(of: UInt8(ascii: "/"))
        let name = RemotePath(bytes: slash.map { Array(trimmed[($0 + 1)...]) } ?? trimmed)
        guard name.isSafeComponent else {
            throw .invalid(field, "This path does not end in a name.", hint: "Give the path of one file or folder.")
        }
        guard let slash else { return (".", name) }
        return (slash == 0 ? "/" : RemotePath(bytes: Array(trimmed[..<slash])), name)
    }

    /// How it stands in the audit log: as text, and byte for byte where the text does not say it all.
    var auditDetails: [String: String] {
        let shown = description
        return Array(shown.utf8) == bytes ? ["path": shown] : ["path": shown, "pathBytes": percentEncoded]
    }
}
