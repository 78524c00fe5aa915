import Audit
import Logging
public import NIOCore
import Policy
import Recording
public import SFTP
public import SSH
import Storage
import Vault

/// What runs at a host beside terminals: commands, files, tunnels. Each asks the policy here and is in the log before its
/// first byte.
extension Sessions {
    /// Begins a command, or with nil a shell without a terminal. What it may do with files is asked too, where it says so
    /// by itself.
    ///
    /// - Throws: 403 `not_permitted`, 507 when it can't be recorded.
    public func beginCommand(
        _ command: String?, on host: SessionHost, caller: Caller
    ) async throws(GatewayError) -> CommandRun {
        let kind = command.map(CommandKind.init) ?? .general
        try requireCommand(kind, on: host, caller: caller)
        let origin = LiveSession.Origin(
            id: Identifier.make("ses"), tenant: services.tenant,
            host: .init(id: host.id, alias: host.alias, environment: host.environment),
            owner: .init(id: caller.userID, name: caller.name), startedBy: nil, startedAt: .now(),
            recordingID: Identifier.make("rec"), command: command)
        let view = SessionView(
            id: origin.id, host: origin.host, owner: origin.owner, startedBy: nil, title: command ?? "", state: .live,
            startedAt: origin.startedAt.iso8601, endedAt: nil, ending: nil, columns: CommandRun.columns,
            rows: CommandRun.rows, recordingId: origin.recordingID, keyboard: .init(holder: nil, epoch: 0), seats: [],
            participants: [], expiresAt: nil)
        let writer = try await files.create(origin, columns: CommandRun.columns, rows: CommandRun.rows)
        let recorder = SessionRecorder(writer: writer, columns: nil)
        let event = AuditEvent(
            actor: caller.auditActor, action: "session.start",
            object: .init(kind: "host", id: host.id, name: host.alias),
            details: ["door": "ssh", "command": command ?? "", "terminal": "none"], session: origin.id)
        let (records, audit) = (records, services.audit)
        do throws(GatewayError) {
            try await services.write { tx in
                try records.insert(view, command: command ?? "", startedAt: origin.startedAt, in: tx)
                _ = try audit.append(event, in: tx)
            }
        } catch {
            _ = await recorder.close()
            await files.discard(origin.recordingID)
            throw error
        }
        return CommandRun(
            view, kind: kind, words: command ?? "(a shell without a terminal)", caller: caller, recorder: recorder,
            sessions: self)
    }

    /// Whether a command of this kind may run, or may go on after a change of rights.
    public func requireCommand(
        _ kind: CommandKind, on host: SessionHost, caller: Caller
    ) throws(GatewayError) {
        try requireUnwatched(host)
        try services.require(.sessionStart, caller, on: host.policyObject)
        try services.require(.sessionType, caller, on: host.policyObject)
        guard case .transfer(let reads, let writes) = kind else { return }
        if reads { try services.require(.fileRead, caller, on: host.policyObject) }
        if writes { try services.require(.fileWrite, caller, on: host.policyObject) }
    }

    func store(
        _ run: CommandRun, _ ending: SessionEnding, details: [String: String], recording: RecordingSummary
    ) async {
        var view = run.view
        view.ending = ending
        let (ended, records, audit) = (view, records, services.audit)
        let summary = RecordingFiles.summary(recording)
        let event = AuditEvent(
            actor: run.caller.auditActor, action: "session.end",
            object: .init(kind: "host", id: view.host.id, name: view.host.alias), details: details, session: view.id)
        do throws(GatewayError) {
            try await services.write { tx in
                try records.finish(ended, endedAt: .now(), recording: summary, in: tx)
                _ = try audit.append(event, in: tx)
            }
        } catch {
            services.logger.error("The end of a command could not be stored.", metadata: ["session": "\(view.id)"])
        }
    }

    // MARK: Files

    /// What this person may do with files of a host.
    ///
    /// - Throws: 403 `not_permitted` for nothing at all.
    public func fileRights(
        on host: SessionHost, caller: Caller
    ) throws(GatewayError) -> (mayRead: Bool, mayWrite: Bool) {
        try requireUnwatched(host)
        try services.require(.hostUse, caller, on: host.policyObject)
        let mayWrite = services.may(.fileWrite, caller, on: host.policyObject)
        let mayRead = services.may(.fileRead, caller, on: host.policyObject)
        if !mayRead, !mayWrite { try services.require(.fileRead, caller, on: host.policyObject) }
        return (mayRead, mayWrite)
    }

    /// Writes down what was done with a file over SFTP.
    public func note(_ event: SFTPInspectionEvent, on host: SessionHost, caller: Caller) {
        var details = ["door": "ssh", "path": event.path.description]
        if let target = event.target { details["to"] = target.description }
        if let bytes = event.bytes { details["size"] = String(bytes) }
        if let hash = event.sha256 { details["sha256"] = Hexadecimal.text(hash) }
        let outcome: AuditOutcome
        switch event.outcome {
        case .done: outcome = .succeeded
        case .cut:
            outcome = .failed
            details["reason"] = "the connection ended before the file was closed"
        case .failed(let code):
            outcome = .failed
            details["reason"] = "the host said \(code)"
        case .refused:
            outcome = .refused
            details["missing"] = (event.operation.changes ? Permission.fileWrite : .fileRead).rawValue
        }
        services.recordSoon(
            AuditEvent(
                actor: caller.auditActor, action: "file." + event.operation.rawValue,
                object: .init(kind: "host", id: host.id, name: host.alias), outcome: outcome, details: details))
    }

    // MARK: Tunnels

    /// Whether this person may open connections through a host.
    public func mayTunnel(_ caller: Caller, on host: SessionHost) -> Bool {
        services.may(.sessionTunnel, caller, on: host.policyObject)
    }

    /// Asks for one connection through a host, to where its network leads.
    ///
    /// - Parameters:
    ///   - destination: For the log, "host:port".
    ///   - address: The address in it, where it is one.
    /// - Throws: 403 `not_permitted`, 422 `address_not_allowed` for link-local and metadata addresses.
    public func requireTunnel(
        to destination: String, address: SocketAddress?, on host: SessionHost, caller: Caller
    ) throws(GatewayError) {
        try requireUnwatched(host)
        try services.require(.sessionTunnel, caller, on: host.policyObject)
        guard let address, !services.hosts.addresses.mayConnect(to: address) else { return }
        services.recordSoon(
            AuditEvent(
                actor: caller.auditActor, action: "tunnel.open",
                object: .init(kind: "host", id: host.id, name: host.alias), outcome: .refused,
                details: ["door": "ssh", "to": destination, "reason": "the address is not allowed"]))
        throw GatewayError(
            "address_not_allowed", status: 422, "The address \(destination) may not be connected to.",
            hint: "Link-local and metadata addresses are refused; an admin can allow one by allowed_addresses.")
    }

    /// Writes down that a tunnel was opened or closed, or with a problem that it could not be.
    public func noteTunnel(
        _ action: String, _ destination: String, on host: SessionHost, caller: Caller,
        problem: String? = nil, _ details: [String: String] = [:]
    ) {
        var details = details.merging(["door": "ssh", "to": destination]) { own, _ in own }
        if let problem { details["code"] = problem }
        services.recordSoon(
            AuditEvent(
                actor: caller.auditActor, action: action, object: .init(kind: "host", id: host.id, name: host.alias),
                outcome: problem == nil ? .succeeded : .failed, details: details))
    }

    /// Where two pairs of eyes are demanded, nothing goes to the host that nobody can watch.
    private func requireUnwatched(_ host: SessionHost) throws(GatewayError) {
        guard host.policyObject.tags.contains(SessionWatch.hostTag) else { return }
        throw .conflict(
            "unwatched", "On \(host.alias) somebody has to watch, and nobody could watch this.",
            hint: "Open a shell there, ask a moderator to watch, and do it in it.")
    }

    // MARK: The connection

    /// A connection to a host for commands, files and tunnels of one person.
    ///
    /// - Parameter loop: Of the client, so that no byte changes threads on its way.
    public func connection(
        to host: SessionHost, caller: Caller, on loop: any EventLoop
    ) async throws(GatewayError) -> SSHConnection {
        try await services.hosts.connect(host.id, caller: caller, on: loop)
    }
}
