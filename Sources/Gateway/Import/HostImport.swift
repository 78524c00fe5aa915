import Audit
import Policy
import Storage

/// What an import does, or would do, with each host of a list.
public struct HostImportPlan: Sendable, Encodable {
    public enum Action: String, Sendable, Encodable, CaseIterable {
        case added, changed, unchanged, skipped
    }

    /// One value that becomes another.
    public struct Change: Sendable, Encodable, Hashable {
        public let field: String
        public let from: String
        public let to: String
    }

    public struct Entry: Sendable, Encodable {
        public let action: Action
        public let alias: String
        /// Where it stands in the list.
        public let place: String
        /// `user@address:port`; empty for what was skipped.
        public var target = ""
        public var environment = ""
        public var tags: [String] = []
        public var changes: [Change] = []
        /// Why it is skipped, or what should be known; empty for nothing.
        public var note = ""
    }

    public let format: ImportFormat
    public let entries: [Entry]
    /// Whether it was done; else this is only what would be.
    public let applied: Bool

    public func count(_ action: Action) -> Int { entries.count { $0.action == action } }

    private enum CodingKeys: String, CodingKey { case format, entries, applied, added, changed, unchanged, skipped }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(format, forKey: .format)
        try container.encode(entries, forKey: .entries)
        try container.encode(applied, forKey: .applied)
        try container.encode(count(.added), forKey: .added)
        try container.encode(count(.changed), forKey: .changed)
        try container.encode(count(.unchanged), forKey: .unchanged)
        try container.encode(count(.skipped), forKey: .skipped)
    }
}

/// What a list leaves open, and what is said of all its hosts.
public struct HostImportDefaults: Sendable {
    /// For hosts without a user name.
    public var username: String?
    public var environment: HostEnvironment?
    public var tags: [String]

    public init(username: String? = nil, environment: HostEnvironment? = nil, tags: [String] = []) {
        self.username = username
        self.environment = environment
        self.tags = tags
    }
}

extension Hosts {
    /// Imports a list of hosts, or says what that would do.
    ///
    /// New hosts are quarantined: their keys are unknown, nothing connects to them before somebody confirms one. A host
    /// that is there keeps its key and its credential; what the list says of its address, account, environment and
    /// purpose is taken over, its tags are added.
    public func importList(
        _ text: String, as format: ImportFormat, defaults: HostImportDefaults = .init(), dryRun: Bool, caller: Caller
    ) async throws(GatewayError) -> HostImportPlan {
        try requireImport(caller)
        return try await take(try ImportList.read(text, as: format), format, defaults, dryRun: dryRun, caller)
    }

    /// The same for the service records of a name.
    public func importServices(
        _ name: String, servers: NameServers, defaults: HostImportDefaults = .init(), dryRun: Bool, caller: Caller
    ) async throws(GatewayError) -> HostImportPlan {
        try requireImport(caller)
        var list = ImportList()
        for record in try await servers.records(name) {
            try list.add(
                ImportedHost(
                    alias: record.target, address: record.target, port: Int(record.port),
                    place: "priority \(record.priority), weight \(record.weight)"))
        }
        return try await take(list, .srv, defaults, dryRun: dryRun, caller)
    }

    /// Whoever may add no host at all is told so at once, not for each host.
    private func requireImport(_ caller: Caller) throws(GatewayError) {
        guard policy.permissions(of: caller.role).contains(.hostAdd) else {
            return try policy.require(.hostAdd, of: caller)
        }
    }

    private func take(
        _ list: ImportList, _ format: ImportFormat, _ defaults: HostImportDefaults, dryRun: Bool, _ caller: Caller
    ) async throws(GatewayError) -> HostImportPlan {
        let planner = ImportPlanner(policy: policy, defaults: defaults, format: format, caller: caller)
        let (records, quarantine, audit) = (records, QuarantineStore(tenant: tenant), audit)
        let work: @Sendable (borrowing StoreTransaction) throws -> HostImportPlan = { tx in
            let steps = planner.steps(
                for: list, hosts: try records.all(in: tx), waiting: try quarantine.all(in: tx).map(\.host))
            guard !dryRun else {
                return HostImportPlan(format: format, entries: steps.map(\.entry), applied: false)
            }
            for step in steps {
                switch step.effect {
                case .none: continue
                case .change(let host): try records.update(host, in: tx)
                case .quarantine(let host): try quarantine.put(host, by: caller, in: tx)
                }
                _ = try audit.append(step.event(caller, format), in: tx)
            }
            let plan = HostImportPlan(format: format, entries: steps.map(\.entry), applied: true)
            let counts = HostImportPlan.Action.allCases.map { ($0.rawValue, String(plan.count($0))) }
            _ = try audit.append(
                AuditEvent(
                    actor: caller.auditActor, action: "host.import",
                    details: Dictionary(uniqueKeysWithValues: counts + [("format", format.rawValue)])), in: tx)
            return plan
        }
        do {
            return dryRun ? try await records.store.read(work) : try await records.store.transaction(work)
        } catch { throw GatewayError(storage: error) }
    }

    // MARK: Quarantine

    /// Imported hosts that wait for their key to be confirmed, as far as this person could add them.
    public func quarantined(_ caller: Caller) async throws(GatewayError) -> [QuarantinedHost] {
        let quarantine = QuarantineStore(tenant: tenant)
        return try await read { tx in try quarantine.all(in: tx) }
            .filter { mayAdd($0.host, importedBy: $0.importedBy, caller) }.map(\.host)
    }

    /// Takes one out without making a host of it.
    public func dropQuarantined(_ id: String, caller: Caller) async throws(GatewayError) {
        let quarantine = QuarantineStore(tenant: tenant)
        let found = try await read { tx in try quarantine.all(in: tx) }.first { $0.host.id == id }
        guard let found, mayAdd(found.host, importedBy: found.importedBy, caller) else { throw .notFound("host") }
        let host = found.host
        try await write { tx in
            try quarantine.remove(alias: host.alias, in: tx)
            return (
                AuditEvent(
                    actor: caller.auditActor, action: "host.quarantine_drop",
                    object: .init(kind: "quarantined_host", id: host.id, name: host.alias)), ()
            )
        }
    }

    private func mayAdd(_ host: QuarantinedHost, importedBy: String, _ caller: Caller) -> Bool {
        let object = PolicyObject(kind: "host", id: host.id, tags: Set(host.tags), ownerIDs: [importedBy])
        return policy.decide(caller.subject, .hostAdd, on: object).isAllowed
    }

    // MARK: Favourites

    /// Marks a host as one of this person's own favourites, or takes the mark away.
    public func setFavourite(_ id: String, _ isFavourite: Bool, caller: Caller) async throws(GatewayError) -> HostView {
        let host = try await find(id, caller)
        let quarantine = QuarantineStore(tenant: tenant)
        let marked = event(caller, "host.favourite", host, ["favourite": String(isFavourite)])
        try await write { tx in
            (marked, try quarantine.setFavourite(id, isFavourite, of: caller.userID, in: tx))
        }
        return try await self.host(id, caller: caller)
    }
}
