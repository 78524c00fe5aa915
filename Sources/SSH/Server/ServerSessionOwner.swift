// A session's life at the server: what it asks for first, its program, its end (RFC 4254 §6).

import NIOCore
import SSHProtocol

/// Loop-bound.
final class ServerSessionOwner: ChannelOwner {
    /// Environment variables and their bytes: nobody's memory is filled by a client that sets and sets.
    private static let maximumVariables = 128
    private static let maximumEnvironment = 64 * 1024

    private let connection: SSHServerConnection
    private let server: ServerShared
    private let driver: ConnectionDriver
    private let id: ChannelID
    private var info: SSHServerSessionInfo
    private var environmentBytes = 0
    private var running: (channel: SSHServerSessionChannel, delegate: any SSHServerSessionDelegate)?
    /// Input that came before the program; its window stays taken.
    private var early: [SessionChannelEvent] = []

    init(
        _ id: ChannelID, user: AuthenticatedUser, connection: SSHServerConnection, server: ServerShared,
        driver: ConnectionDriver
    ) {
        self.id = id
        self.connection = connection
        self.server = server
        self.driver = driver
        // The program is known when it is asked for.
        info = SSHServerSessionInfo(user: user, program: .shell)
    }

    func channelEvent(_ event: SessionChannelEvent) {
        if case .request(let request) = event { return receive(request) }
        guard let (channel, delegate) = running else {
            switch event {
            case .data, .endOfFile: early.append(event)
            default: break
            }
            return
        }
        tell(event, channel, delegate)
    }

    private func tell(
        _ event: SessionChannelEvent, _ channel: SSHServerSessionChannel, _ delegate: any SSHServerSessionDelegate
    ) {
        switch event {
        case .data(_, let bytes): delegate.session(channel, received: bytes)
        case .endOfFile: delegate.sessionEndOfFile(channel)
        case .endOfWrite: delegate.sessionEndOfWrite(channel)
        case .writabilityChanged(let isWritable): delegate.session(channel, writabilityChanged: isWritable)
        default: break
        }
    }

    func channelClosed(_ error: SSHError?) {
        guard let (channel, delegate) = running else { return }
        running = nil
        delegate.session(channel, closed: error)
    }

    // MARK: Requests

    private func receive(_ request: InboundChannelRequest) {
        switch request.request {
        case .shell: start(.shell, request)
        case .exec(let command): start(.exec(command), request)
        case .subsystem(let name): start(.subsystem(name), request)
        case .windowChange, .signal, .breakSignal: driver.answer(request, success: control(request.request), on: id)
        default: driver.answer(request, success: prepare(request.request), on: id)
        }
    }

    /// What comes before the program.
    private func prepare(_ request: SessionRequest) -> Bool {
        guard running == nil else { return false }
        switch request {
        case .terminal(let type, let columns, let rows, let width, let height, let modes):
            guard server.handlers.allowsTerminal(info.user), server.handlers.permits(.terminal, connection),
                info.terminal == nil, type.utf8.count <= 256
            else {
                return false
            }
            info.terminal = SSHServerTerminal(
                type: type, columns: Int(min(columns, 65535)), rows: Int(min(rows, 65535)),
                width: Int(min(width, 65535)), height: Int(min(height, 65535)), modes: modes)
            return true
        case .environment(let name, let value):
            return setEnvironment(name, value)
        case .agentForwarding:
            info.hasAgent =
                server.handlers.allowsAgentForwarding(info.user)
                && server.handlers.permits(.agentForwarding, connection)
            return info.hasAgent
        case .x11(let x11):
            guard server.handlers.allowsX11(info.user), server.handlers.permits(.x11, connection) else { return false }
            info.x11 = x11
            return true
        default:
            return false
        }
    }

    private func setEnvironment(_ name: String, _ value: String) -> Bool {
        environmentBytes += name.utf8.count + value.utf8.count
        guard server.configuration.accepts(environment: name), !value.utf8.contains(0),
            environmentBytes <= Self.maximumEnvironment,
            info.environment[name] != nil || info.environment.count < Self.maximumVariables
        else { return false }
        info.environment[name] = value
        return true
    }

    /// What concerns a terminal or a program that runs.
    private func control(_ request: SessionRequest) -> Bool {
        switch request {
        case .windowChange(let columns, let rows, let width, let height):
            guard var terminal = info.terminal else { return false }
            terminal.columns = Int(min(columns, 65535))
            terminal.rows = Int(min(rows, 65535))
            terminal.width = Int(min(width, 65535))
            terminal.height = Int(min(height, 65535))
            info.terminal = terminal
            if let (channel, delegate) = running { delegate.session(channel, resized: terminal) }
            return true
        case .signal(let name):
            guard let (channel, delegate) = running else { return false }
            delegate.session(channel, signal: name)
            return true
        case .breakSignal(let milliseconds):
            guard let (channel, delegate) = running else { return false }
            return delegate.session(channel, breakFor: milliseconds)
        default:
            return false
        }
    }

    // MARK: The program

    /// RFC 4254 §6.5: one program for each channel.
    private func start(_ program: SSHServerProgram, _ request: InboundChannelRequest) {
        guard running == nil else { return driver.answer(request, success: false, on: id) }
        info.program = program
        let bound = NIOLoopBound(driver, eventLoop: driver.eventLoop)
        let channel = SSHServerSessionChannel(connection, info, id: id, driver: bound)
        guard let delegate = delegate(for: channel) else {
            return driver.answer(request, success: false, on: id)
        }
        running = (channel, delegate)
        driver.answer(request, success: true, on: id)
        delegate.sessionStarted(channel)
        let waiting = early
        early = []
        for event in waiting { tell(event, channel, delegate) }
    }

    private func delegate(for channel: SSHServerSessionChannel) -> (any SSHServerSessionDelegate)? {
        if let delegate = server.handlers.sessionDelegate?(channel) { return delegate }
        guard let handler = server.handlers.handler(for: channel.info.program) else { return nil }
        return SessionTask(channel, handler)
    }
}
