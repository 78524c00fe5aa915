import Audit
import Policy
import Storage

/// Decides what becomes of each host of a list. A value: the same list and the same hosts make the same plan.
struct ImportPlanner: Sendable {
    /// What is done with a host.
    enum Effect: Sendable {
        case none
        case change(StoredHost)
        case quarantine(QuarantinedHost)
    }

    struct Step: Sendable {
        var entry: HostImportPlan.Entry
        var effect: Effect

        func event(_ caller: Caller, _ format: ImportFormat) -> AuditEvent {
            var details = ["source": "\(format.rawValue), \(entry.place)", "target": entry.target]
            for change in entry.changes { details[change.field] = "\(change.from) → \(change.to)" }
            let (kind, id): (String, String) =
                switch effect {
                case .change(let host): ("host", host.id)
                case .quarantine(let host): ("quarantined_host", host.id)
                case .none: ("host", "")
                }
            return AuditEvent(
                actor: caller.auditActor, action: kind == "host" ? "host.import_change" : "host.import_add",
                object: .init(kind: kind, id: id, name: entry.alias), details: details)
        }
    }

    let policy: PolicyTable
    let defaults: HostImportDefaults
    let format: ImportFormat
    let caller: Caller

    func steps(for list: ImportList, hosts: [StoredHost], waiting: [QuarantinedHost]) -> [Step] {
        let known = Dictionary(hosts.map { ($0.alias.lowercased(), $0) }) { first, _ in first }
        let quarantined = Dictionary(waiting.map { ($0.alias.lowercased(), $0) }) { first, _ in first }
        var seen: Set<String> = []
        var steps: [Step] = []
        for imported in list.hosts {
            do throws(GatewayError) {
                let wanted = try checked(imported)
                let folded = wanted.alias.lowercased()
                guard seen.insert(folded).inserted else {
                    steps.append(skipped(imported, "The alias stands in the list already."))
                    continue
                }
                if let host = known[folded] {
                    steps.append(change(host, wanted, imported))
                } else {
                    steps.append(add(wanted, over: quarantined[folded], imported))
                }
            } catch { steps.append(skipped(imported, error.error)) }
        }
        steps += list.skipped.map {
            Step(
                entry: .init(
                    action: .skipped, alias: VisibleText.shown($0.name), place: $0.place,
                    note: VisibleText.shown($0.reason)),
                effect: .none)
        }
        return steps
    }

    private func skipped(_ imported: ImportedHost, _ why: String) -> Step {
        Step(
            entry: .init(
                action: .skipped, alias: VisibleText.shown(imported.alias), place: imported.place, note: why),
            effect: .none)
    }

    // MARK: What is wanted

    private struct Wanted {
        var alias: String
        var address: String
        var port: Int
        var username: String?
        var environment: HostEnvironment?
        var purpose: String?
        var tags: [String]
    }

    private func checked(_ host: ImportedHost) throws(GatewayError) -> Wanted {
        var username: String?
        if let text = host.username ?? defaults.username { username = try HostFields.username(text) }
        var purpose: String?
        if let text = host.purpose {
            purpose = try VisibleText.line(text, field: "purpose", what: "The purpose", limit: 200)
        }
        return Wanted(
            alias: try HostFields.alias(host.alias), address: try HostFields.address(host.address),
            port: try HostFields.port(host.port ?? 22), username: username,
            environment: host.environment ?? defaults.environment, purpose: purpose,
            tags: try HostFields.tags(host.tags + defaults.tags))
    }

    // MARK: What is there

    private func change(_ host: StoredHost, _ wanted: Wanted, _ imported: ImportedHost) -> Step {
        var after = host
        after.address = wanted.address
        // A list that names no port says nothing about it.
        if imported.port != nil || format == .srv { after.port = wanted.port }
        after.username = imported.username == nil ? host.username : wanted.username ?? host.username
        after.environment = imported.environment ?? host.environment
        after.purpose = wanted.purpose ?? host.purpose
        after.tags = Array(Set(host.tags).union(wanted.tags)).sorted()
        var entry = entry(.changed, after.alias, "\(after.username)@\(after.address):\(after.port)", imported)
        entry.environment = after.environment.rawValue
        entry.tags = after.tags
        entry.changes = Self.changes([
            ("address", host.address, after.address), ("port", String(host.port), String(after.port)),
            ("username", host.username, after.username),
            ("environment", host.environment.rawValue, after.environment.rawValue),
            ("purpose", host.purpose, after.purpose),
            ("tags", host.tags.joined(separator: " "), after.tags.joined(separator: " ")),
        ])
        guard !entry.changes.isEmpty else {
            return Step(entry: copy(entry, .unchanged), effect: .none)
        }
        for state in [host, after] {
            if case .refuse(_, let reason) = policy.decide(caller.subject, .hostEdit, on: state.policyObject) {
                return skipped(imported, reason)
            }
        }
        if after.address != host.address || after.port != host.port {
            entry.note = "The recorded key stays: if another one answers there, nothing connects."
        }
        return Step(entry: entry, effect: .change(after))
    }

    private func add(_ wanted: Wanted, over before: QuarantinedHost?, _ imported: ImportedHost) -> Step {
        guard let username = wanted.username else {
            return skipped(imported, "The list names no user for it; give one for all hosts without.")
        }
        let host = QuarantinedHost(
            id: before?.id ?? Identifier.make("qhs"), alias: wanted.alias, address: wanted.address, port: wanted.port,
            username: username, environment: wanted.environment ?? .other, purpose: wanted.purpose ?? "",
            tags: wanted.tags, source: "\(format.rawValue), \(imported.place)", importedBy: caller.name,
            importedAt: Timestamp.now().iso8601)
        let object = PolicyObject(kind: "host", id: host.id, tags: Set(host.tags), ownerIDs: [caller.userID])
        if case .refuse(_, let reason) = policy.decide(caller.subject, .hostAdd, on: object) {
            return skipped(imported, reason)
        }
        var entry = entry(
            before == nil ? .added : .changed, host.alias, "\(username)@\(host.address):\(host.port)", imported)
        entry.environment = host.environment.rawValue
        entry.tags = host.tags
        entry.note = "Quarantined until somebody confirms its key."
        guard let before else { return Step(entry: entry, effect: .quarantine(host)) }
        entry.changes = Self.changes([
            ("address", before.address, host.address), ("port", String(before.port), String(host.port)),
            ("username", before.username, host.username),
            ("environment", before.environment.rawValue, host.environment.rawValue),
            ("purpose", before.purpose, host.purpose),
            ("tags", before.tags.joined(separator: " "), host.tags.joined(separator: " ")),
        ])
        if entry.changes.isEmpty { return Step(entry: copy(entry, .unchanged), effect: .none) }
        return Step(entry: entry, effect: .quarantine(host))
    }

    private func entry(
        _ action: HostImportPlan.Action, _ alias: String, _ target: String, _ imported: ImportedHost
    ) -> HostImportPlan.Entry {
        .init(action: action, alias: alias, place: imported.place, target: target)
    }

    private func copy(_ entry: HostImportPlan.Entry, _ action: HostImportPlan.Action) -> HostImportPlan.Entry {
        .init(
            action: action, alias: entry.alias, place: entry.place, target: entry.target,
            environment: entry.environment, tags: entry.tags, note: entry.note)
    }

    private static func changes(_ pairs: [(String, String, String)]) -> [HostImportPlan.Change] {
        pairs.filter { $0.1 != $0.2 }.map { .init(field: $0.0, from: $0.1, to: $0.2) }
    }
}
