import Foundation

/// What a list of hosts is written in.
public enum ImportFormat: String, Sendable, CaseIterable, Codable {
    case ansibleINI = "ansible-ini"
    case ansibleYAML = "ansible-yaml"
    case sshConfig = "ssh-config"
    case csv
    /// DNS service records; what is given is a name, not a list.
    case srv

    /// Told from the file's name, else from what stands in it.
    public static func guess(name: String, text: String) -> ImportFormat {
        let name = name.lowercased()
        if name.hasSuffix(".csv") { return .csv }
        if name.hasSuffix(".yml") || name.hasSuffix(".yaml") { return .ansibleYAML }
        if name.hasSuffix(".ini") || name.hasSuffix("hosts") { return .ansibleINI }
        if name.hasSuffix("config") { return .sshConfig }
        let lines = text.split(whereSeparator: \.isNewline).prefix(200).map { $0.trimmingCharacters(in: .whitespaces) }
        let meant = lines.filter { !$0.isEmpty && !$0.hasPrefix("#") && !$0.hasPrefix(";") }
        if meant.contains(where: { $0.lowercased().hasPrefix("host ") || $0.lowercased().hasPrefix("host=") }) {
            return .sshConfig
        }
        if let first = meant.first {
            if first == "---" || first.hasSuffix(":") { return .ansibleYAML }
            if first.lowercased().contains("alias"), first.contains(",") || first.contains(";") { return .csv }
        }
        return .ansibleINI
    }
}

/// A host as somebody's list names it. Nothing of it is checked yet.
struct ImportedHost: Sendable, Hashable {
    var alias: String
    var address: String
    var port: Int?
    var username: String?
    var environment: HostEnvironment?
    var purpose: String?
    var tags: [String] = []
    /// Where it stands, such as "line 12".
    var place: String
}

/// What was read from a list.
struct ImportList: Sendable {
    struct Skipped: Sendable, Hashable {
        let name: String
        let place: String
        let reason: String
    }

    /// Hosts of one list at most; a range such as `web[1:999999]` can name any number.
    static let mostHosts = 5000
    /// Bytes of a list, and of one line of it.
    static let longest = 1 << 20
    static let longestLine = 16 * 1024

    var hosts: [ImportedHost] = []
    var skipped: [Skipped] = []

    mutating func add(_ host: ImportedHost) throws(GatewayError) {
        guard hosts.count < Self.mostHosts else {
            throw .importFailed("The list has more than \(Self.mostHosts) hosts.", hint: "Import it in parts.")
        }
        hosts.append(host)
    }

    mutating func skip(_ name: String, _ place: String, _ reason: String) {
        guard skipped.count < Self.mostHosts else { return }
        skipped.append(.init(name: String(name.prefix(100)), place: place, reason: reason))
    }

    /// Reads a list.
    static func read(_ text: String, as format: ImportFormat) throws(GatewayError) -> ImportList {
        guard text.utf8.count <= longest else {
            throw .importFailed("The list has more than \(longest / 1024) KiB.", hint: "Import it in parts.")
        }
        guard text.split(whereSeparator: \.isNewline).allSatisfy({ $0.utf8.count <= longestLine }) else {
            throw .importFailed(
                "A line of the list has more than \(longestLine) bytes.",
                hint: "A list of hosts has short lines: check whether this is the right file.")
        }
        return switch format {
        case .ansibleINI: try AnsibleInventory.read(ini: text)
        case .ansibleYAML: try AnsibleInventory.read(yaml: text)
        case .sshConfig: try SSHConfigList.read(text)
        case .csv: try CSVList.read(text)
        case .srv:
            throw .importFailed("Service records are asked for by name.", hint: "Give the name instead of a file.")
        }
    }
}

extension HostEnvironment {
    /// What a group or a tag says of the environment, if it says it plainly.
    init?(word: String) {
        switch word.lowercased() {
        case "production", "prod", "prd", "live": self = .production
        case "staging", "stage", "stg": self = .staging
        case "development", "dev", "devel", "test", "testing": self = .development
        default: return nil
        }
    }
}

extension GatewayError {
    static func importFailed(_ error: String, hint: String) -> GatewayError {
        GatewayError("import_failed", status: 422, error, hint: hint)
    }
}
