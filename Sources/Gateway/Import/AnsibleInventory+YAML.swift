import Yams

extension AnsibleInventory {
    static func read(yaml text: String) throws(GatewayError) -> ImportList {
        try YAMLShape.check(text)
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            throw .importFailed(
                "The inventory is not valid YAML: \("\(error)".split(separator: "\n").first ?? "").",
                hint: "Check it with ansible-inventory --list.")
        }
        guard let mapping = root?.mapping else {
            throw .importFailed(
                "The inventory is not a mapping of groups.", hint: "It begins with “all:” or the name of a group.")
        }
        var inventory = AnsibleInventory()
        for (key, value) in mapping {
            guard let name = key.string else { continue }
            try inventory.read(group: name, value, depth: 0)
        }
        return try inventory.list()
    }

    private mutating func read(group name: String, _ node: Node, depth: Int) throws(GatewayError) {
        guard depth < YAMLShape.deepest else {
            throw .importFailed("The inventory has groups within groups without end.", hint: "Check its indentation.")
        }
        if groups[name] == nil { groups[name] = Group() }
        guard let members = node.mapping else { return }
        for (key, value) in members {
            switch key.string {
            case "hosts":
                for (host, variables) in value.mapping ?? [:] {
                    guard let pattern = host.string else { continue }
                    let place = host.mark.map { "line \($0.line)" } ?? ""
                    for one in try HostRange.names(pattern) {
                        try add(host: one, to: name, Self.scalars(variables), place: place)
                    }
                }
            case "vars": groups[name]?.variables.merge(Self.scalars(value)) { $1 }
            case "children":
                for (child, content) in value.mapping ?? [:] {
                    guard let childName = child.string else { continue }
                    groups[name]?.children.insert(childName)
                    try read(group: childName, content, depth: depth + 1)
                }
            default: continue
            }
        }
    }

    private static func scalars(_ node: Node) -> [String: String] {
        var values: [String: String] = [:]
        for (key, value) in node.mapping ?? [:] {
            if let name = key.string, name.hasPrefix("ansible_"), let text = value.scalar?.string {
                values[name] = text
            }
        }
        return values
    }
}

/// What a YAML text may look like before it is parsed. A small text can stand for a huge one by anchors, and the parser
/// goes down one call for each level.
enum YAMLShape {
    static let deepest = 32

    static func check(_ text: String) throws(GatewayError) {
        var indents: [Int] = []
        var flow = 0
        for line in text.split(whereSeparator: \.isNewline) {
            let indent = line.prefix { $0 == " " }.utf8.count
            let content = line.drop { $0 == " " }
            if content.isEmpty || content.hasPrefix("#") { continue }
            while let last = indents.last, last >= indent { indents.removeLast() }
            indents.append(indent)
            let dashes = content.split(separator: " ", maxSplits: 2 * deepest + 1).prefix { $0 == "-" }.count
            try check(content, &flow)
            guard indents.count + dashes + flow <= 2 * deepest, flow <= deepest else {
                throw .importFailed("The YAML is nested too deeply.", hint: "An inventory has a few levels.")
            }
        }
    }

    private static func check(_ content: Substring, _ flow: inout Int) throws(GatewayError) {
        if content == "?" || content.hasPrefix("? ") { throw plain }
        var quote: UInt8?
        var before = UInt8(ascii: " ")
        let bytes = Array(content.utf8)
        for (index, byte) in bytes.enumerated() {
            defer { before = byte }
            if let open = quote {
                if byte == open { quote = nil }
                continue
            }
            let isStart = " [{,:-\t".utf8.contains(before)
            let next = index + 1 < bytes.count ? bytes[index + 1] : UInt8(ascii: " ")
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"): if isStart { quote = byte }
            case UInt8(ascii: "#") where before == UInt8(ascii: " "): return
            case UInt8(ascii: "["), UInt8(ascii: "{"): flow += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): flow = max(0, flow - 1)
            case UInt8(ascii: "*"), UInt8(ascii: "&"):
                if isStart, next != UInt8(ascii: " "), next != byte { throw plain }
            default: continue
            }
        }
    }

    private static var plain: GatewayError {
        .importFailed(
            "The YAML uses anchors, aliases or compound keys, which are not read here.",
            hint: "Write the values out, or import the output of ansible-inventory --list --yaml.")
    }
}
