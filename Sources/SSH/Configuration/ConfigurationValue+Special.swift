// The values that follow a rule of their own.

extension ConfigurationValue {
    func special(_ settings: inout ConfigurationSettings, _ isActive: Bool) throws(SSHConfigurationError) {
        switch keyword {
        case .port:
            let word = try word()
            guard let port = ServicePort.number(word), port > 0 else { throw fail("is no port: “\(shown(word))”") }
            set(&settings, isActive, "\(port)")
        case .localForward, .remoteForward, .dynamicForward:
            let forward = try forward()
            if isActive { settings.append(keyword, forward, at: place) }
        case .sendEnv: try sendEnvironment(&settings, isActive)
        case .setEnv: try setEnvironment(&settings, isActive)
        case .proxyJump:
            let jump = try proxyJump()
            let hasCommand = settings[.proxyCommand] != nil
            set(&settings, isActive && !hasCommand, jump)
        case .canonicalizePermittedCNAMEs, .permitRemoteOpen:
            let words = try keyword == .permitRemoteOpen ? remoteOpens() : aliasRules()
            if isActive { settings.set(keyword, words, at: place) }
        case .addKeysToAgent: set(&settings, isActive, try addKeysToAgent())
        case .controlPersist: set(&settings, isActive, try controlPersist())
        case .escapeChar: set(&settings, isActive, try escapeCharacter())
        case .forwardAgent, .identityAgent: set(&settings, isActive, try agent())
        case .ipQoS: set(&settings, isActive, try serviceTypes())
        case .rekeyLimit: set(&settings, isActive, try rekeyLimit())
        case .streamLocalBindMask:
            let word = try word()
            guard let mask = ConfigurationNumber.octal(word), mask <= 0o777 else {
                throw fail("is no octal mask: “\(shown(word))”")
            }
            set(&settings, isActive, "0" + String(mask, radix: 8))
        case .tunnelDevice: set(&settings, isActive, try tunnelDevice())
        default: throw fail("has no rule")
        }
    }

    private func forward() throws(SSHConfigurationError) -> String {
        guard let listen = arguments.first, !listen.isEmpty, arguments.count <= 2 else {
            throw fail("needs what to listen on and where to connect to")
        }
        let connect = arguments.count == 2 ? arguments[1] : nil
        guard connect != nil || keyword != .localForward else { throw fail("has no target") }
        guard connect == nil || keyword != .dynamicForward else { throw fail("has extra words at the end of the line") }
        guard
            let forward = ConfigurationForward(
                listen: listen, connect: connect, isRemote: keyword == .remoteForward)
        else { throw fail("is no forward: “\(shown(arguments.joined(separator: " ")))”") }
        // A remote forward without a target is a SOCKS proxy over there.
        return forward.listing + (keyword == .remoteForward && connect == nil ? " [socks]:0" : "")
    }

    private func sendEnvironment(
        _ settings: inout ConfigurationSettings, _ isActive: Bool
    ) throws(SSHConfigurationError) {
        for name in arguments {
            guard !name.isEmpty, !name.contains("=") else { throw fail("has a bad name: “\(shown(name))”") }
            guard isActive else { continue }
            if name.hasPrefix("-") {
                let pattern = String(name.dropFirst())
                let left = settings[.sendEnv]?.filter { !NamePattern.matches($0, pattern) }
                settings.replace(.sendEnv, left?.isEmpty == true ? nil : left)
            } else {
                guard (settings[.sendEnv]?.count ?? 0) < Self.maximumEntries else { throw fail("has too many names") }
                settings.append(.sendEnv, name, at: place)
            }
        }
    }

    private func setEnvironment(
        _ settings: inout ConfigurationSettings, _ isActive: Bool
    ) throws(SSHConfigurationError) {
        var names: Set<Substring> = []
        var kept: [String] = []
        for pair in arguments {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                throw fail("needs NAME=VALUE, not “\(shown(pair))”")
            }
            if names.insert(pair[..<equals]).inserted { kept.append(pair) }
        }
        if isActive, kept.count <= Self.maximumEntries { settings.set(keyword, kept, at: place) }
    }

    private func proxyJump() throws(SSHConfigurationError) -> String {
        let text = line.command
        if text.lowercased() == "none" { return "none" }
        var hosts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard hosts.count <= 32 else { throw fail("has more than 32 hosts") }
        for item in hosts where JumpHost(item) == nil { throw fail("has a bad host: “\(shown(item))”") }
        // The last one is printed anew, those before it as they were written.
        if let last = hosts.popLast().flatMap({ JumpHost($0) }) { hosts.append(last.description) }
        return hosts.joined(separator: ",")
    }

    private func remoteOpens() throws(SSHConfigurationError) -> [String] {
        if arguments.count == 1, let word = arguments.first, word == "any" || word == "none" { return [word] }
        for word in arguments {
            let port = word.lastIndex(of: ":").map { String(word[word.index(after: $0)...]) } ?? ""
            guard port == "*" || ServicePort.number(port).map({ $0 > 0 }) == true else {
                throw fail("needs host:port, not “\(shown(word))”")
            }
        }
        return arguments
    }

    private func aliasRules() throws(SSHConfigurationError) -> [String] {
        if arguments == ["none"] { return arguments }
        for word in arguments {
            let parts = word.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts.contains("") else {
                throw fail("needs names:names, not “\(shown(word))”")
            }
        }
        return arguments
    }

    private func addKeysToAgent() throws(SSHConfigurationError) -> String {
        guard let word = arguments.first?.lowercased(), !word.isEmpty, arguments.count <= 2 else {
            throw fail("is yes, no, ask, confirm or a time")
        }
        let states = [
            "yes": "true", "true": "true", "no": "false", "false": "false", "ask": "ask", "confirm": "confirm",
        ]
        if arguments.count == 2 {
            guard word == "confirm", let seconds = ConfigurationNumber.seconds(arguments[1]) else {
                throw fail("takes a second word, a time, only after “confirm”")
            }
            return seconds > 0 ? "confirm \(seconds)" : "confirm"
        }
        if let state = states[word] { return state }
        guard let seconds = ConfigurationNumber.seconds(word) else { throw fail("is yes, no, ask, confirm or a time") }
        return seconds > 0 ? "\(seconds)" : "true"
    }

    private func controlPersist() throws(SSHConfigurationError) -> String {
        let word = try word()
        switch word {
        case "no", "false": return "no"
        case "yes", "true": return "yes"
        default:
            guard let seconds = ConfigurationNumber.seconds(word) else { throw fail("is yes, no or a time") }
            return seconds == 0 ? "yes" : "\(seconds)"
        }
    }

    private func escapeCharacter() throws(SSHConfigurationError) -> String {
        let word = try word()
        if word.lowercased() == "none" { return "none" }
        let bytes = Array(word.utf8)
        if bytes.count == 1 { return word == "\\" ? "\\\\" : word }
        guard bytes.count == 2, bytes[0] == UInt8(ascii: "^"), bytes[1] >= 0x40, bytes[1] < 0x80 else {
            throw fail("is one character, ^ and a letter, or none")
        }
        return "\\^" + String(UnicodeScalar(bytes[1] & 31 | 0x40))
    }

    /// `IdentityAgent` and `ForwardAgent`: a path, or the name of an environment variable after a "$".
    private func agent() throws(SSHConfigurationError) -> String {
        let word = try word()
        if keyword == .forwardAgent {
            switch word.lowercased() {
            case "yes", "true": return "yes"
            case "no", "false": return "no"
            default: break
            }
        }
        if word.hasPrefix("$"), !word.hasPrefix("${") {
            let name = word.dropFirst()
            guard !name.isEmpty, name.utf8.allSatisfy(ConfigurationTokens.isNameByte) else {
                throw fail("has a bad name of an environment variable: “\(shown(word))”")
            }
        }
        return word
    }

    private func serviceTypes() throws(SSHConfigurationError) -> String {
        guard let first = arguments.first, arguments.count <= 2 else { throw fail("needs one or two types of service") }
        let names = [first, arguments.count == 2 ? arguments[1] : first].map { TypeOfService.name($0) }
        guard let interactive = names[0], let bulk = names[1] else {
            throw fail("has a bad type of service: “\(shown(arguments.joined(separator: " ")))”")
        }
        return interactive + " " + bulk
    }

    private func rekeyLimit() throws(SSHConfigurationError) -> String {
        guard let size = arguments.first, arguments.count <= 2 else { throw fail("needs a size, and may have a time") }
        var bytes: Int64 = 0
        if size != "default" {
            guard let value = ConfigurationNumber.bytes(size) else { throw fail("is no size: “\(shown(size))”") }
            guard value == 0 || value >= 16 else { throw fail("is too small: less than 16 bytes") }
            bytes = value
        }
        let seconds = arguments.count == 2 ? try time(arguments[1]) : nil
        return "\(bytes) \(seconds ?? 0)"
    }

    private func tunnelDevice() throws(SSHConfigurationError) -> String {
        let word = try word()
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw fail("is no device: “\(shown(word))”") }
        for part in parts where part != "any" && ConfigurationNumber.count(part) == nil {
            throw fail("is no device: “\(shown(word))”")
        }
        return parts.count == 2 ? word : word + ":any"
    }
}

/// Types of service (RFC 2474, RFC 8622) by name.
enum TypeOfService {
    private static let names: [(String, Int)] = [
        ("af11", 0x28), ("af12", 0x30), ("af13", 0x38), ("af21", 0x48), ("af22", 0x50), ("af23", 0x58), ("af31", 0x68),
        ("af32", 0x70), ("af33", 0x78), ("af41", 0x88), ("af42", 0x90), ("af43", 0x98), ("cs0", 0x00), ("cs1", 0x20),
        ("cs2", 0x40), ("cs3", 0x60), ("cs4", 0x80), ("cs5", 0xA0), ("cs6", 0xC0), ("cs7", 0xE0), ("ef", 0xB8),
        ("le", 0x01), ("lowdelay", 0x10), ("throughput", 0x08), ("reliability", 0x04),
    ]

    /// The name that OpenSSH prints for a name or a number of 0 to 255; nil for something else.
    static func name(_ text: String) -> String? {
        let text = text.lowercased()
        if text == "none" || names.contains(where: { $0.0 == text }) { return text }
        let number = text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
        guard let number, (0...255).contains(number) else { return nil }
        if let name = names.first(where: { $0.1 == number })?.0 { return name }
        let digits = String(number, radix: 16)
        return "0x" + (digits.count == 1 ? "0" : "") + digits
    }
}
