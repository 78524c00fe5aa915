import Foundation

/// Ansible inventories: hosts, their groups as tags, and the three variables that say how a host is reached.
///
/// Only values that stand there count: templates, vault secrets, plug-ins and files beside the inventory are not read.
struct AnsibleInventory {
    struct Group {
        var hosts: [String: String] = [:]
        var children: Set<String> = []
        var variables: [String: String] = [:]
    }

    /// Groups within groups.
    private static let deepest = 32

    var groups: [String: Group] = [:]
    /// Variables of hosts, and where each host stands first.
    var hosts: [String: (variables: [String: String], place: String)] = [:]
    /// In the order in which they stand.
    var order: [String] = []

    mutating func add(host: String, to group: String?, _ variables: [String: String], place: String)
        throws(GatewayError)
    {
        if hosts[host] == nil {
            guard order.count < ImportList.mostHosts else {
                throw .importFailed(
                    "The inventory has more than \(ImportList.mostHosts) hosts.", hint: "Import it in parts.")
            }
            order.append(host)
            hosts[host] = ([:], place)
        }
        hosts[host]?.variables.merge(variables) { $1 }
        if let group { groups[group, default: Group()].hosts[host] = place }
    }

    /// The hosts with what their groups say, the nearest first.
    func list() throws(GatewayError) -> ImportList {
        var parents: [String: Set<String>] = [:]
        for (name, group) in groups { for child in group.children { parents[child, default: []].insert(name) } }
        var memberships: [String: [String]] = [:]
        for (name, group) in groups {
            for host in group.hosts.keys { memberships[host, default: []].append(name) }
        }
        var list = ImportList()
        for host in order {
            let direct = (memberships[host] ?? []).sorted()
            var known: [String] = []
            var next = direct
            // Breadth first: a group that is its own ancestor is seen once.
            for _ in 0..<Self.deepest where !next.isEmpty {
                let new = next.filter { !known.contains($0) }
                known += new
                next = new.flatMap { (parents[$0] ?? []).sorted() }
            }
            var variables = hosts[host]?.variables ?? [:]
            for group in known + ["all"] { variables.merge(groups[group]?.variables ?? [:]) { near, _ in near } }
            try add(host, variables, known.filter { $0 != "all" && $0 != "ungrouped" }, to: &list)
        }
        return list
    }

    private func add(
        _ host: String, _ variables: [String: String], _ groups: [String], to list: inout ImportList
    ) throws(GatewayError) {
        let place = hosts[host]?.place ?? ""
        let connection = variables["ansible_connection"] ?? "ssh"
        guard ["ssh", "smart", "paramiko", "paramiko_ssh"].contains(connection) else {
            return list.skip(host, place, "It is reached by \(connection.prefix(20)), not by SSH.")
        }
        let address = variables["ansible_host"] ?? variables["ansible_ssh_host"] ?? host
        let username = variables["ansible_user"] ?? variables["ansible_ssh_user"]
        let port = variables["ansible_port"] ?? variables["ansible_ssh_port"]
        if let template = [address, username ?? "", port ?? ""].first(where: { $0.contains("{{") }) {
            return list.skip(host, place, "“\(template.prefix(40))” is a template, which only Ansible fills in.")
        }
        if variables["ansible_ssh_common_args"].map({ $0.contains("Proxy") }) == true {
            return list.skip(host, place, "It is reached through another host, which a host here is not.")
        }
        try list.add(
            ImportedHost(
                alias: host, address: address, port: port.map { Int($0) ?? 0 }, username: username,
                environment: groups.lazy.compactMap { HostEnvironment(word: $0) }.first, tags: groups, place: place))
    }

    // MARK: INI

    static func read(ini text: String) throws(GatewayError) -> ImportList {
        var inventory = AnsibleInventory()
        var section = (name: "ungrouped", kind: "hosts")
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), let end = line.firstIndex(of: "]") {
                let parts = line[line.index(after: line.startIndex)..<end].split(separator: ":", maxSplits: 1)
                section = (String(parts.first ?? ""), parts.count > 1 ? String(parts[1]) : "hosts")
                if inventory.groups[section.name] == nil { inventory.groups[section.name] = Group() }
                continue
            }
            if section.kind == "vars" {
                let pair = line.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                if pair.count == 2 { inventory.groups[section.name]?.variables[pair[0]] = unquoted(pair[1]) }
                continue
            }
            let words = try words(line, index + 1)
            guard let first = words.first else { continue }
            switch section.kind {
            case "children":
                inventory.groups[section.name]?.children.insert(first)
                if inventory.groups[first] == nil { inventory.groups[first] = Group() }
            case "hosts":
                var variables: [String: String] = [:]
                for word in words.dropFirst() {
                    let pair = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
                }
                for host in try HostRange.names(first) {
                    var (name, own) = (host, variables)
                    // "name:port", as long as it is no IPv6 address.
                    let parts = host.split(separator: ":", omittingEmptySubsequences: false)
                    if parts.count == 2, let port = Int(parts[1]) {
                        name = String(parts[0])
                        own["ansible_port"] = own["ansible_port"] ?? String(port)
                    }
                    try inventory.add(host: name, to: section.name, own, place: "line \(index + 1)")
                }
            default: continue
            }
        }
        return try inventory.list()
    }

    /// Words as a shell cuts them, quotation marks taken off; a comment ends the line.
    private static func words(_ line: String, _ number: Int) throws(GatewayError) -> [String] {
        var words: [String] = []
        var word = ""
        var (quote, isWord): (Character?, Bool) = (nil, false)
        for character in line {
            if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "\"" || character == "'" {
                (quote, isWord) = (character, true)
            } else if character == " " || character == "\t" {
                if isWord { words.append(word) }
                (word, isWord) = ("", false)
            } else if character == "#", !isWord {
                break
            } else {
                word.append(character)
                isWord = true
            }
        }
        guard quote == nil else {
            throw .importFailed("Line \(number) ends within quotation marks.", hint: "Close them.")
        }
        if isWord { words.append(word) }
        return words
    }

    private static func unquoted(_ text: String) -> String {
        guard text.count >= 2, let first = text.first, first == text.last, first == "\"" || first == "'" else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }
}

/// `web[01:20].example.org` and `db-[a:f]`: many hosts in a word.
enum HostRange {
    static func names(_ pattern: String) throws(GatewayError) -> [String] {
        var names = [""]
        var rest = pattern[...]
        while let open = rest.firstIndex(of: "["), let close = rest[open...].firstIndex(of: "]") {
            let values = try values(rest[rest.index(after: open)..<close])
            guard names.count * values.count <= ImportList.mostHosts else {
                throw .importFailed(
                    "“\(pattern.prefix(60))” stands for more than \(ImportList.mostHosts) hosts.",
                    hint: "Import fewer at once.")
            }
            let before = rest[..<open]
            names = names.flatMap { name in values.map { name + before + $0 } }
            rest = rest[rest.index(after: close)...]
        }
        return names.map { $0 + rest }
    }

    private static func values(_ range: Substring) throws(GatewayError) -> [String] {
        let parts = range.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let step = parts.count == 3 ? Int(parts[2]) : 1
        guard (2...3).contains(parts.count), let step, step > 0 else { throw malformed(range) }
        if let first = Int(parts[0]), let last = Int(parts[1]), first >= 0, last >= first {
            guard (last - first) / step < ImportList.mostHosts else { throw malformed(range) }
            return stride(from: first, through: last, by: step).map { number in
                let digits = String(number)
                return String(repeating: "0", count: max(0, parts[0].count - digits.count)) + digits
            }
        }
        guard let first = letter(parts[0]), let last = letter(parts[1]), first <= last else { throw malformed(range) }
        return stride(from: first, through: last, by: step).map { String(UnicodeScalar($0)) }
    }

    private static func letter(_ text: String) -> UInt8? {
        guard text.utf8.count == 1, let byte = text.utf8.first,
            (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        else { return nil }
        return byte
    }

    private static func malformed(_ range: Substring) -> GatewayError {
        .importFailed(
            "“[\(range.prefix(40))]” is no range of hosts, or one that is too long.",
            hint: "A range is written [first:last] or [first:last:step].")
    }
}
