/// The keys of hosts that are known: the files of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
///
///     let hosts = KnownHosts(file: bytes, path: "/home/ada/.ssh/known_hosts")
///     switch hosts.lookup(host: "web.example.org", port: 22, offered: identity, now: now) { … }
public struct KnownHosts: Sendable, Hashable {
    /// What a line says of its key.
    public enum Marker: String, Sendable, Hashable {
        /// It is the host's key.
        case none = ""
        /// It signs the certificates of hosts.
        case certificateAuthority = "@cert-authority"
        /// It must never be accepted.
        case revoked = "@revoked"
    }

    /// One line.
    public struct Entry: Sendable, Hashable {
        /// The file it stands in; empty if it was given as text.
        public let path: String
        /// The first line is 1.
        public let line: Int
        /// What the line says of its key: a host's own, an authority's, or one that nobody may trust.
        public let marker: Marker
        /// The hosts it speaks of.
        public let hosts: HostPatterns
        public let key: SSHPublicKey
        /// The rest of the line.
        public let comment: String
    }

    /// The lines, in the files' order.
    public private(set) var entries: [Entry] = []
    /// Lines that can't be used.
    public private(set) var problems: [LineProblem] = []

    public init() {}

    /// Reads a file. Never fails: lines that break the format are in ``problems``.
    ///
    /// - Parameters:
    ///   - file: its bytes.
    ///   - path: where it lies, for messages.
    public init(file: [UInt8], path: String = "") { add(file: file, path: path) }

    /// Reads a file that is there as text.
    public init(text: String, path: String = "") { self.init(file: Array(text.utf8), path: path) }

    /// Reads another file beside the first, as the system's beside the user's.
    public mutating func add(file: [UInt8], path: String) {
        for line in TextLine.lines(of: file) {
            do throws(SSHKeyError) { entries.append(try Entry(line, path: path)) } catch {
                problems.append(LineProblem(path: path, line: line.number, error: error))
            }
        }
    }

    /// The lines that speak of a host, with every marker: those of "[name]:port" on another port than 22.
    public func entries(ofHost host: String, port: Int) -> [Entry] { entries(for: HostName(host, port: port)) }

    /// The lines that speak of a host.
    func entries(for host: HostName) -> [Entry] {
        let text = host.text
        return entries.filter { $0.hosts.matches(text) }
    }
}

extension KnownHosts.Entry {
    init(_ line: TextLine, path: String) throws(SSHKeyError) {
        self.path = path
        self.line = line.number
        var rest = line.content
        var field = try TextLine.text(TextLine.field(&rest), "a host name")
        if field.first == "@" {
            guard let marker = KnownHosts.Marker(rawValue: field) else {
                throw .malformed("the marker “\(Printable.text(field))” is unknown")
            }
            self.marker = marker
            field = try TextLine.text(TextLine.field(&rest), "a host name")
        } else {
            marker = .none
        }
        guard !field.isEmpty else { throw .malformed("the host name is missing") }
        hosts = try HostPatterns(field)
        let text = try KeyText(rest)
        key = text.key
        comment = text.comment
    }

    /// Where it stands: "/home/ada/.ssh/known_hosts:7".
    public var place: String { path.isEmpty ? "line \(line)" : "\(path):\(line)" }
}
