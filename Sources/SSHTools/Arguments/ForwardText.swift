public import SSH

/// A forward as `-L`, `-R` and `-D` write it, and as the escape `~C` takes it.
public enum ForwardText {
    public enum Kind: Sendable, Hashable {
        case local, remote, dynamic

        var keyword: String {
            switch self {
            case .local: "LocalForward"
            case .remote: "RemoteForward"
            case .dynamic: "DynamicForward"
            }
        }
    }

    /// Reads "[bind:]port:host:hostport", "[bind:]port:socket", "socket:host:hostport", "socket:socket"; without a target
    /// for `-D`, and for `-R` where this side is to be the SOCKS proxy. nil when it is none of them.
    public static func parse(_ text: String, _ kind: Kind) -> ConfigurationForward? {
        guard let fields = fields(text) else { return nil }
        switch kind {
        case .dynamic:
            guard let listener = listener(fields[...], isRemote: false) else { return nil }
            return ConfigurationForward(listener: listener, target: .socks)
        case .local, .remote:
            let isRemote = kind == .remote
            if isRemote, let listener = listener(fields[...], isRemote: true), !isSocket(fields.last) {
                return ConfigurationForward(listener: listener, target: .socks)
            }
            if let last = fields.last, isSocket(last) {
                guard let listener = listener(fields.dropLast(), isRemote: isRemote) else { return nil }
                return ConfigurationForward(listener: listener, target: .socket(last.text))
            }
            guard fields.count >= 3, let port = port(fields[fields.count - 1]), port > 0,
                let listener = listener(fields.dropLast(2), isRemote: isRemote)
            else { return nil }
            let host = fields[fields.count - 2].text
            guard !host.isEmpty else { return nil }
            return ConfigurationForward(listener: listener, target: .port(host: host, port))
        }
    }

    /// The same as a line of a configuration, without tokens that its values could be taken for.
    static func option(_ forward: ConfigurationForward, _ kind: Kind) -> String {
        let listen =
            switch forward.listener {
            case .port(nil, let port): "\(port)"
            case .port(let host?, let port): "[\(host)]:\(port)"
            case .socket(let path): path
            }
        let line = "\(kind.keyword) \(listen)"
        return switch forward.target {
        case .port(let host, let port): "\(line) [\(host)]:\(port)"
        case .socket(let path): "\(line) \(path)"
        case .socks: line
        }
    }

    private struct Field {
        var text: String
        var isBracketed: Bool
    }

    /// The parts between colons; an IPv6 address stands in brackets.
    private static func fields(_ text: String) -> [Field]? {
        var fields: [Field] = []
        var rest = text[...]
        while true {
            let isBracketed = rest.hasPrefix("[")
            if isBracketed {
                guard let end = rest.firstIndex(of: "]") else { return nil }
                fields.append(Field(text: String(rest[rest.index(after: rest.startIndex)..<end]), isBracketed: true))
                rest = rest[rest.index(after: end)...]
            } else {
                let part = rest.prefix { $0 != ":" }
                fields.append(Field(text: String(part), isBracketed: false))
                rest = rest.dropFirst(part.count)
            }
            if rest.isEmpty { break }
            guard rest.removeFirst() == ":" else { return nil }
        }
        return fields.allSatisfy { !$0.text.contains { $0 == " " || $0 == "\t" || $0 == "\"" } } ? fields : nil
    }

    private static func isSocket(_ field: Field?) -> Bool { field?.text.hasPrefix("/") ?? false }

    private static func port(_ field: Field) -> Int? {
        guard !field.isBracketed, let port = Int(field.text), (0...65535).contains(port),
            field.text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return port
    }

    private static func listener(_ fields: ArraySlice<Field>, isRemote: Bool) -> ConfigurationForward.Listener? {
        guard let last = fields.last, fields.count <= 2 else { return nil }
        if isSocket(last) { return fields.count == 1 ? .socket(last.text) : nil }
        guard let port = port(last), port > 0 || isRemote else { return nil }
        return .port(host: fields.count == 2 ? fields.first?.text : nil, port)
    }
}
