// What a command line wants done on a host, once it is reached.

import SSH
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

struct HostTask: Sendable {
    enum Work: Sendable {
        case session(SessionPlan)
        /// Standard input and output lead there (`-W`).
        case streams(SSHForwardEndpoint)
        /// Forwards alone (`-N`).
        case forwards
    }

    let work: Work
    let configuration: SSHConfiguration

    /// - Parameter environment: The caller's, where that is another process.
    /// - Throws: What contradicts itself.
    init(
        _ line: SSHCommandLine, _ configuration: SSHConfiguration, environment: [String: String]? = nil
    ) throws(Failure) {
        self.configuration = configuration
        if let text = line.standardStreamsTarget, let target = SSHCommandLine.target(text) {
            work = .streams(target)
            return
        }
        var command = line.command.joined(separator: " ")
        if let configured = configuration.remoteCommand {
            guard command.isEmpty else {
                throw Failure(
                    "Cannot execute command-line and remote command.",
                    hint: "RemoteCommand is set for this host; leave the command out, or add -o RemoteCommand=none.",
                    status: .connection)
            }
            command = configured
        }
        switch configuration.sessionKind {
        case .none:
            guard command.isEmpty else {
                throw Failure(
                    "Cannot execute a command with -N.", hint: "Leave out one of them.", status: .connection)
            }
            work = .forwards
        case .subsystem:
            guard !command.isEmpty else {
                throw Failure(
                    "You must specify a subsystem to invoke.", hint: "As in: copilot ssh -s host sftp",
                    status: .connection)
            }
            work = .session(
                Self.plan(.subsystem(command), configuration, environment, asksForTerminal: false))
        case .shell:
            if command.isEmpty, configuration.goesToBackground {
                throw Failure(
                    "Cannot fork into background without a command to execute.",
                    hint: "Add a command, or -N for forwards alone.", status: .connection)
            }
            work = .session(
                Self.plan(
                    command.isEmpty ? .shell : .command(command), configuration, environment,
                    asksForTerminal: command.isEmpty))
        }
    }

    private static func plan(
        _ program: SessionPlan.Program, _ configuration: SSHConfiguration, _ given: [String: String]?,
        asksForTerminal: Bool
    ) -> SessionPlan {
        var plan = SessionPlan(program)
        let request = configuration.terminalRequest
        let here = LocalTerminal(STDIN_FILENO)
        let type = getenv("TERM").map { String(cString: $0) } ?? "vt100"
        let isWanted = request == .force || request == .always || (request == .auto && asksForTerminal)
        if isWanted, request == .force || (here != nil && !configuration.readsNoInput) {
            plan.terminal =
                here?.terminal(type: type) ?? SSHTerminal(type: type, columns: 80, rows: 24, modes: .hostDefaults)
            plan.escapeCharacter = configuration.escapeCharacter
        }
        plan.lacksTerminal = isWanted && plan.terminal == nil
        var environment = given ?? [:]
        var next = environ
        // Read only where something of it is sent.
        while given == nil, !configuration.sentEnvironment.isEmpty, let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                environment[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        plan.environment = configuration.environment(from: environment).map { .init(name: $0.name, value: $0.value) }
        plan.readsNoInput = configuration.readsNoInput
        plan.forwardsAgent = configuration.agentToForward != nil
        plan.forwardsX11 = configuration.forwardsX11
        return plan
    }

    /// Does it, at this process's own terminal.
    ///
    /// - Parameter ready: Called when everything that can fail at the beginning has not.
    func run(_ host: OpenHost, ready: @Sendable () -> Void) async throws(Failure) -> Int32 {
        let forwards = ConnectionForwards(host)
        try await forwards.addConfigured()
        if let command = try localCommand() { _ = try LocalProgram.runShell(command) }
        let end: SessionEnd
        do throws(Failure) {
            end = try await run(host, forwards, ready: ready)
        } catch {
            await forwards.cancelAll()
            throw error
        }
        // Sockets of forwards are files: none is left behind.
        await forwards.cancelAll()
        if let failure = end.failure { throw failure }
        report(end, host)
        return end.exitStatus
    }

    private func run(
        _ host: OpenHost, _ forwards: ConnectionForwards, ready: @Sendable () -> Void
    ) async throws(Failure) -> SessionEnd {
        switch work {
        case .session(let plan):
            let x11 = prepare(plan, host)
            ready()
            return try await ForegroundSession.run(plan, host, forwards, x11: x11)
        case .streams(let target):
            return try await ForegroundSession.join(target, host, forwards)
        case .forwards:
            ready()
            return try await ForegroundSession.wait(host, forwards)
        }
    }

    private func localCommand() throws(Failure) -> String? {
        do throws(SSHConfigurationError) { return try configuration.localCommand() } catch { throw Failure(error) }
    }

    /// What a session's requests need on the connection first.
    private func prepare(_ plan: SessionPlan, _ host: OpenHost) -> X11Request? {
        if plan.lacksTerminal {
            host.log.say("Pseudo-terminal will not be allocated because stdin is not a terminal.")
        }
        if let socket = configuration.agentToForward { host.connection.forwardAgent(.socket(socket)) }
        guard plan.forwardsX11 else { return nil }
        do throws(Failure) {
            return host.connection.forwardX11(to: try DisplayCookie.find(configuration, host.log))
        } catch {
            host.log.say("Warning: \(error.sentence) \(error.hint)")
            return nil
        }
    }

    private func report(_ end: SessionEnd, _ host: OpenHost) {
        if case .signal(let signal) = end {
            host.log.debug("The remote program was ended by SIG\(DisplayText.neutralise(signal.name, limit: 32))")
        }
        if case .session(let plan) = work, plan.terminal != nil {
            host.log.say("Connection to \(configuration.hostName) closed.")
        }
    }
}

extension SSHConfiguration {
    /// The socket of the agent that the host may use; nil for none.
    var agentToForward: String? {
        switch agentForwarding {
        case .off: nil
        case .own: agentSocket
        case .socket(let path): path
        }
    }
}
