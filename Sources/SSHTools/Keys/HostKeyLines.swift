import Foundation
public import SSHKeys

/// A known_hosts file as `ssh-keygen -F`, `-R` and `-H` treat it: search, removal, hashing.
public struct HostKeyLines: Sendable {
    public let file: KnownHostsFile

    public init(path: String) { file = KnownHostsFile(path: path) }

    public static func defaultPath(home: String) -> String { home + "/.ssh/known_hosts" }

    /// "web-1", "[web-1]:2222", "2001:db8::1".
    public static func parse(_ text: String) throws(Failure) -> (host: String, port: Int) {
        guard text.hasPrefix("["), let end = text.firstIndex(of: "]") else { return (text, 22) }
        let host = String(text[text.index(after: text.startIndex)..<end])
        let rest = text[text.index(after: end)...]
        guard !host.isEmpty else { throw Self.noHost(text) }
        if rest.isEmpty { return (host, 22) }
        guard rest.first == ":", let port = Int(rest.dropFirst()), (1...65535).contains(port) else {
            throw Self.noHost(text)
        }
        return (host, port)
    }

    private static func noHost(_ text: String) -> Failure {
        Failure("“\(text)” is no host.", hint: "Write it as known_hosts does: web-1, or [web-1]:2222.")
    }

    /// The lines that speak of a host. Throws where there is no file.
    public func find(_ text: String) throws(Failure) -> [KnownHosts.Entry] {
        let (host, port) = try Self.parse(text)
        guard KeyFiles.exists(file.path) else {
            throw Failure("\(file.path) is not there.", hint: "Name another file with -f.")
        }
        do throws(SSHKeyError) { return try file.read().lines(host: host, port: port) } catch {
            throw Failure(error.description, hint: error.hint)
        }
    }

    /// Removes a host's keys; what was there before stays beside it as `….old`. Returns how many lines went.
    public func remove(_ text: String) throws(Failure) -> Int {
        guard try !find(text).isEmpty else { return 0 }
        let (host, port) = try Self.parse(text)
        try keepOld()
        do throws(SSHKeyError) { return try file.remove(host: host, port: port) } catch {
            throw Failure(error.description, hint: error.hint)
        }
    }

    /// Hides all names behind hashes. The old file, which shows them, stays beside it as `….old`.
    public func hash() throws(Failure) {
        try keepOld()
        do throws(SSHKeyError) { try file.hash() } catch { throw Failure(error.description, hint: error.hint) }
    }

    private func keepOld() throws(Failure) {
        let old = try KeyFiles.read(file.path, limit: KnownHostsFile.maximumLength)
        try KeyFiles.write(old, to: file.path + ".old", mode: 0o600, mayReplace: true)
    }

    /// A line as it stands in the file.
    public static func text(_ entry: KnownHosts.Entry) -> String {
        let marker = entry.marker == .none ? "" : entry.marker.rawValue + " "
        return marker + entry.hosts.text + " " + entry.key.authorizedKeysLine(comment: entry.comment)
    }
}
