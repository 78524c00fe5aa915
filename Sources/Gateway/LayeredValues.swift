/// Reads the winning value of each key and remembers where it was written, so that an error can say so.
struct LayeredValues {
    let layers: [ConfigurationLayer]
    let surroundings: Configuration.Surroundings

    private func winner(_ key: ConfigurationKey) -> (values: [String], layer: ConfigurationLayer)? {
        for layer in layers.reversed() {
            if let values = layer.values[key] { return (values, layer) }
        }
        return nil
    }

    private func text(_ key: ConfigurationKey) -> String? {
        guard let text = winner(key)?.values.last, !text.isEmpty else { return nil }
        return text
    }

    func error(_ key: ConfigurationKey, _ problem: String, hint: String) -> ConfigurationError {
        ConfigurationError(key, winner(key)?.layer.origin ?? .commandLine, problem, hint: hint)
    }

    /// An absolute path. A relative one of a file counts from the file's folder, any other from the current directory.
    func path(_ key: ConfigurationKey) -> String? {
        guard let text = text(key), let layer = winner(key)?.layer else { return nil }
        return absolute(text, in: layer)
    }

    private func absolute(_ text: String, in layer: ConfigurationLayer) -> String {
        if text == "~" { return surroundings.home }
        if text.hasPrefix("~/") { return surroundings.home + text.dropFirst(1) }
        if text.hasPrefix("/") { return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text }
        let name = text.hasPrefix("./") ? String(text.dropFirst(2)) : text
        guard case .file(let file) = layer.origin, let slash = file.lastIndex(of: "/") else {
            return surroundings.currentDirectory + "/" + name
        }
        let folder = String(file[..<slash])
        let base = folder.hasPrefix("/") || folder.isEmpty ? folder : surroundings.currentDirectory + "/" + folder
        return base + "/" + name
    }

    func database() throws(ConfigurationError) -> String? {
        guard let text = text(.databaseURL), let layer = winner(.databaseURL)?.layer else { return nil }
        guard text.hasPrefix("sqlite:") else {
            throw error(
                .databaseURL, "is not an address of a database that this copilot can open: \(text)",
                hint: "Write sqlite: and the path of the file, for example sqlite:/srv/copilot/copilot.sqlite.")
        }
        let rest = text.dropFirst("sqlite:".count)
        let path = rest.hasPrefix("///") ? String(rest.dropFirst(2)) : String(rest)
        guard !path.isEmpty, !path.hasPrefix("//") else {
            throw error(
                .databaseURL, "names no file: \(text)",
                hint: "Write sqlite: and the path of the file, for example sqlite:/srv/copilot/copilot.sqlite.")
        }
        return absolute(path, in: layer)
    }

    func listen(_ key: ConfigurationKey = .listen) throws(ConfigurationError) -> String? {
        guard let text = text(key) else { return nil }
        guard text == "localhost" || AddressRange(text)?.isSingleAddress == true else {
            throw error(
                key, "is not an IP address: \(text)",
                hint: "Give 127.0.0.1 for this machine alone, or the address of one network interface.")
        }
        return text == "localhost" ? "127.0.0.1" : text
    }

    func port(_ key: ConfigurationKey = .port) throws(ConfigurationError) -> Int? {
        guard let text = text(key) else { return nil }
        guard let port = Int(text), (0...65535).contains(port) else {
            throw error(key, "is not a port: \(text)", hint: "Give a number from 1 to 65535, or 0 for any free port.")
        }
        return port
    }

    func boolean(_ key: ConfigurationKey) throws(ConfigurationError) -> Bool? {
        guard let text = text(key) else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw error(key, "is neither true nor false: \(text)", hint: "Write true or false.")
        }
    }

    func list(_ key: ConfigurationKey) -> [String] { winner(key)?.values ?? [] }

    func names() throws(ConfigurationError) -> [String] {
        let names = winner(.names)?.values ?? []
        for name in names {
            guard Self.isAuthority(name) else {
                throw error(
                    .names, "holds something that is not a host name: \(name)",
                    hint: "Give the name without https://, for example copilot.example.net, and with a port only where "
                        + "people reach the copilot by another port than its own, as behind a forwarding router.")
            }
        }
        return names.map { $0.lowercased() }
    }

    /// A host name, an IPv4 address or an IPv6 address in brackets, with or without a port (RFC 3986 §3.2).
    private static func isAuthority(_ text: String) -> Bool {
        var host = Substring(text)
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
            host = text[..<colon]
            guard let port = Int(text[text.index(after: colon)...]), (1...65535).contains(port) else { return false }
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            return AddressRange(String(host.dropFirst().dropLast()))?.bytes.count == 16
        }
        guard (1...253).contains(host.utf8.count) else { return false }
        return host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }

    func tls() throws(ConfigurationError) -> Configuration.TLSFiles? {
        switch (path(.tlsCertificate), path(.tlsKey)) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return Configuration.TLSFiles(certificate: certificate, key: key)
        case (_?, nil): throw missing(.tlsKey, besides: .tlsCertificate)
        case (nil, _?): throw missing(.tlsCertificate, besides: .tlsKey)
        }
    }

    private func missing(_ key: ConfigurationKey, besides other: ConfigurationKey) -> ConfigurationError {
        error(
            other, "is given without \(key.rawValue)",
            hint: "Give both, or leave both out and let the copilot make a certificate at first start.")
    }

    func ranges(_ key: ConfigurationKey) throws(ConfigurationError) -> [AddressRange] {
        var ranges: [AddressRange] = []
        for text in winner(key)?.values ?? [] {
            guard let range = AddressRange(text) else {
                throw error(
                    key, "holds something that is not a range of addresses: \(text)",
                    hint: "Write ranges like 169.254.10.0/24 or single addresses.")
            }
            ranges.append(range)
        }
        return ranges
    }

    func logLevel() throws(ConfigurationError) -> String? {
        guard let text = text(.logLevel) else { return nil }
        let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
        guard levels.contains(text.lowercased()) else {
            throw error(
                .logLevel, "is not a level: \(text)", hint: "The levels are \(levels.joined(separator: ", ")).")
        }
        return text.lowercased()
    }
}
