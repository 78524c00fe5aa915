extension KnownHosts {
    /// A line for a host's key, without a line feed.
    ///
    /// - Parameters:
    ///   - host: a name or an address; for an authority and a revoked key also a pattern, "*.example.org".
    ///   - port: 1 to 65535.
    ///   - key: the host's, or the authority's.
    ///   - marker: what the line is for.
    ///   - isHashed: hide the name behind a hash.
    ///   - comment: free text at the end of the line.
    ///
    /// Throws `malformed` for names that known_hosts would take for something else.
    public static func line(
        host: String, port: Int, key: SSHPublicKey, marker: Marker = .none, isHashed: Bool = false, comment: String = ""
    ) throws(SSHKeyError) -> String {
        let name = HostName(host, port: port).text
        let field: HostPatterns
        if isHashed {
            guard HostPatterns.isName(name) else { throw .malformed("a host name holds a pattern or a comma") }
            field = try .hashed(name)
        } else {
            field = marker == .none ? try .plain([name]) : try HostPatterns(name)
        }
        let prefix = marker == .none ? "" : marker.rawValue + " "
        return prefix + field.text + " " + key.authorizedKeysLine(comment: comment)
    }

    /// The file without the keys of a host, and how many lines went. Everything else stays as it was, byte by byte.
    ///
    /// A line that names other hosts too keeps them. Lines with patterns, markers or damage stay: they speak of more
    /// than this host.
    public static func removing(
        host: String, port: Int, from file: [UInt8]
    ) -> (file: [UInt8], removed: Int) {
        let name = HostName(host, port: port).text
        var removed = 0
        let kept = rewritten(file) { entry, line in
            guard entry.marker == .none, entry.hosts.matches(name) else { return [line] }
            if entry.hosts.isHashed {
                removed += 1
                return []
            }
            guard let names = entry.hosts.plainNames else { return [line] }
            removed += 1
            let others = names.filter { $0.lowercased() != name }
            guard !others.isEmpty else { return [] }
            return [others.joined(separator: ",") + line.dropFirst(entry.hosts.text.count)]
        }
        return (kept, removed)
    }

    /// The file with its plain names behind hashes, a line for each; patterns, markers and damaged lines stay.
    public static func hashing(_ file: [UInt8]) -> [UInt8] {
        rewritten(file) { entry, line in
            guard entry.marker == .none, !entry.hosts.isHashed, let names = entry.hosts.plainNames else {
                return [line]
            }
            let hashed = names.compactMap { try? HostPatterns.hashed($0).text }
            guard hashed.count == names.count else { return [line] }
            return hashed.map { $0 + line.dropFirst(entry.hosts.text.count) }
        }
    }

    /// Gives each line that is an entry to `change`, from its host field on, and puts the lines that it returns in its
    /// place.
    private static func rewritten(_ file: [UInt8], _ change: (Entry, String) -> [String]) -> [UInt8] {
        let lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var result: [ArraySlice<UInt8>] = []
        for (index, line) in lines.enumerated() {
            let content = TextLine.trimmed(line)
            // Only text can be put together anew; a comment in another encoding is left alone.
            guard content.first != UInt8(ascii: "#"), let text = String(validating: content, as: UTF8.self),
                let entry = try? Entry(TextLine(number: index + 1, content: content), path: "")
            else {
                result.append(line)
                continue
            }
            let changed = change(entry, text)
            guard changed != [text] else {
                result.append(line)
                continue
            }
            result += changed.map { Array($0.utf8)[...] }
        }
        return Array(result.joined(separator: [UInt8(ascii: "\n")]))
    }
}
