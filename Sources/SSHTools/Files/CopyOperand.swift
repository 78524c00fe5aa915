// What a command line of scp names: a path here, or a path at a host.

import SFTP

/// One source or target of a copy.
public enum CopyOperand: Hashable, Sendable {
    case local(String)
    case remote(CopyHost, path: String)

    /// A colon before the first slash makes it a host's: "./a:b" is a file here. IPv6 addresses stand in brackets.
    ///
    /// - Throws: For a URL of another kind, and one that names no host.
    public init(_ text: String) throws(Failure) {
        if text.lowercased().hasPrefix("scp://") {
            self = try Self.url(text)
            return
        }
        guard let colon = Self.colon(text) else {
            self = .local(text)
            return
        }
        let host = String(text[..<colon])
        let path = String(text[text.index(after: colon)...])
        self = .remote(CopyHost(destination: host), path: path)
    }

    private static func colon(_ text: String) -> String.Index? {
        // "user@[::1]:path": the colons within brackets are the address's.
        let afterUser = text.firstIndex(of: "@").map(text.index(after:)) ?? text.startIndex
        for start in [text.startIndex, afterUser]
        where text[start...].hasPrefix("[") && !text[..<start].contains("/") {
            guard let end = text[start...].firstIndex(of: "]") else { continue }
            let next = text.index(after: end)
            return next < text.endIndex && text[next] == ":" ? next : nil
        }
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex,
            !text[..<colon].contains("/")
        else { return nil }
        return colon
    }

    /// scp://[user@]host[:port][/path]: the path begins in the account's home, as ssh's own does.
    private static func url(_ text: String) throws(Failure) -> CopyOperand {
        let rest = text.dropFirst("scp://".count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var authority = String(rest[..<slash])
        var port: Int?
        let afterBracket = authority.lastIndex(of: "]") ?? authority.startIndex
        if let colon = authority[afterBracket...].lastIndex(of: ":") {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else {
                throw Failure.badCopyURL(text)
            }
            port = number
            authority = String(authority[..<colon])
        }
        let path = slash < rest.endIndex ? String(rest[rest.index(after: slash)...]) : ""
        guard !authority.isEmpty, !authority.hasSuffix("@"), let decoded = decoded(path) else {
            throw Failure.badCopyURL(text)
        }
        return .remote(CopyHost(destination: authority, port: port), path: decoded)
    }

    /// Takes percent signs out; nil for one that two hexadecimal digits do not follow, and for a NUL.
    private static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.count == 2, let value = UInt8(digits, radix: 16), value != 0 else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// A host of a copy: what is connected to once, however often it is named.
public struct CopyHost: Hashable, Sendable {
    /// "[user@]host"
    public var destination: String
    public var port: Int?

    public init(destination: String, port: Int? = nil) {
        (self.destination, self.port) = (destination, port)
    }
}

extension Failure {
    static func badCopyURL(_ text: String) -> Failure {
        Failure(
            "“\(Printable.line(text))” is no address of a file.", hint: "Write scp://user@host:port/path.",
            status: .foundWrong)
    }
}
