import Foundation
import Gateway
import NIOCore
import SSH
import SSHProtocol

/// One session channel of a client, from what it asks for to its end: the menu, a seat at a live session, a command, files.
/// Loop-bound.
final class DoorSession: SSHServerSessionDelegate, VisitActivity {
    private let channel: SSHServerSessionChannel
    private let visit: Visit
    private let gateway: Gateway
    private let eventLoop: any EventLoop
    private var terminal: SSHServerTerminal?
    private var stage: (any SessionStage)?
    /// Input that came between two stages; its window stays taken.
    private var early: [ByteBuffer] = []
    private var hasEnded = false
    private var isOver = false

    init(_ channel: SSHServerSessionChannel, _ visit: Visit, _ gateway: Gateway) {
        self.channel = channel
        self.visit = visit
        self.gateway = gateway
        eventLoop = channel.connection.eventLoop
        terminal = channel.info.terminal
    }

    // MARK: What is asked for

    func sessionStarted(_ session: SSHServerSessionChannel) {
        visit.loop.enter(self)
        if visit.takeAgentRefused() {
            say("Agent forwarding is refused here: your keys stay with you, and the copilot signs in at hosts itself.")
        }
        switch visit.destination {
        case .menu: beginMenu()
        case .host(let alias): begin(at: alias)
        }
    }

    private func beginMenu() {
        switch channel.info.program {
        case .shell:
            if let terminal { showMenu(terminal, "") } else { list() }
        case .exec(let command):
            switch String(decoding: command, as: UTF8.self).trimmingCharacters(in: .whitespaces) {
            case "hosts", "list", "ls": list()
            default:
                fail(
                    "Here is a list of hosts and no shell: \(DisplayText.neutralise(String(decoding: command, as: UTF8.self), limit: 80))",
                    hint: "For a command name the host as the user: ssh ALIAS@… COMMAND. For the list: ssh … hosts", 64)
            }
        case .subsystem(let name):
            fail(
                "There is no \(DisplayText.neutralise(name, limit: 64)) here: no host is named.",
                hint: "Name the host as the user: sftp ALIAS@…")
        }
    }

    private func begin(at alias: String) {
        let (gateway, caller) = (gateway, visit.caller)
        ask { () async throws(GatewayError) in
            try await gateway.hosts.reachable(alias, caller: caller)
        } then: { me, found in
            switch found {
            case .success(let host?): me.begin(at: host)
            case .success(nil): me.fail(DoorWords.unknownHost(alias), hint: DoorWords.hint(me.visit.caller))
            case .failure(let error): me.fail(error)
            }
        }
    }

    private func begin(at host: SessionHost) {
        switch channel.info.program {
        case .exec(let bytes):
            guard let command = String(validating: bytes, as: UTF8.self) else {
                return fail("The command is not in UTF-8.", hint: "Write it in UTF-8.", 64)
            }
            if let terminal { openSeat(host, terminal, command: command) } else { run(command, on: host) }
        case .shell:
            if let terminal { openSeat(host, terminal, command: nil) } else { run(nil, on: host) }
        case .subsystem("sftp"): openFiles(on: host)
        case .subsystem(let name):
            fail(
                "The subsystem \(DisplayText.neutralise(name, limit: 64)) is not carried.",
                hint: "sftp is. Other programs run as commands.")
        }
    }

    // MARK: The menu

    private func list() {
        entries { me, result in
            switch result {
            case .success(let entries):
                me.channel.write(ByteBuffer(string: HostList.text(entries)))
                me.end(.status(0))
            case .failure(let error): me.fail(error)
            }
        }
    }

    private func showMenu(_ terminal: SSHServerTerminal, _ message: String) {
        let menu = MenuStage(channel, terminal, person: visit.caller.name, message: message) { [weak self] action in
            self?.chose(action)
        }
        menu.begin()
        enter(menu)
        loadMenu()
    }

    private func loadMenu() {
        entries { me, result in
            guard let menu = me.stage as? MenuStage else { return }
            switch result {
            case .success(let entries): menu.show(entries)
            case .failure(let error): menu.say(error.description)
            }
        }
    }

    private func entries(
        then: @escaping @Sendable (DoorSession, Result<[MenuEntry], GatewayError>) -> Void
    ) {
        let (gateway, caller) = (gateway, visit.caller)
        ask(
            { () async throws(GatewayError) in
                let sessions = try await gateway.sessions.sessions(caller, live: true, ended: false)
                let hosts = try await gateway.hosts.hosts(caller).filter(\.may.connect)
                return hosts.map { MenuEntry($0) } + sessions.map { MenuEntry($0, of: caller) }
            }, then: then)
    }

    private func chose(_ action: HostMenu.Action) {
        guard let menu = stage as? MenuStage, let terminal else { return }
        switch action {
        case .none: break
        case .reload: loadMenu()
        case .leave:
            menu.end()
            end(.status(0))
        case .open(.session(let id)):
            menu.end()
            stage = nil
            join(id, terminal)
        case .open(.host(let alias)):
            menu.end()
            stage = nil
            let (gateway, caller) = (gateway, visit.caller)
            ask { () async throws(GatewayError) in
                try await gateway.hosts.reachable(alias, caller: caller)
            } then: { me, found in
                guard let terminal = me.terminal else { return }
                switch found {
                case .success(let host?): me.openSeat(host, terminal, command: nil)
                case .success(nil): me.showMenu(terminal, DoorWords.unknownHost(alias))
                case .failure(let error): me.showMenu(terminal, error.description)
                }
            }
        }
    }

    private var isFromMenu: Bool { visit.destination == .menu }

    // MARK: Live sessions

    /// The same session as the page's: recorded, shared, with a keyboard that somebody has.
    private func openSeat(_ host: SessionHost, _ terminal: SSHServerTerminal, command: String?) {
        let (gateway, caller, loop) = (gateway, visit.caller, eventLoop)
        var request = Sessions.Request(
            hostID: host.id, columns: terminal.columns, rows: terminal.rows, command: command)
        request.terminal = HostTerminal(
            type: TerminalType.checked(terminal.type), modes: terminal.modes, environment: channel.info.environment)
        let wanted = request
        if command == nil { say("Connecting to \(host.alias). The session is recorded.", isQuiet: true) }
        ask { () async throws(GatewayError) in
            let view = try await gateway.sessions.start(wanted, caller: caller, near: loop)
            guard let live = gateway.sessions.live(view.id) else { throw DoorWords.over }
            return live
        } then: { me, started in
            switch started {
            case .success(let live): me.sit(at: live, have: 0)
            case .failure(let error): me.failOrMenu(error)
            }
        }
    }

    private func join(_ id: String, _ terminal: SSHServerTerminal) {
        guard let live = gateway.sessions.live(id) else { return showMenu(terminal, DoorWords.over.error) }
        sit(at: live, have: nil)
    }

    private func sit(at live: LiveSession, have: UInt64?) {
        guard !isOver, let terminal else { return }
        let seat = SSHSeat(live, channel) { [weak self] ending in self?.left(ending) }
        enter(seat)
        let (sessions, caller, outlet) = (gateway.sessions, visit.caller, seat.outlet)
        let bound = NIOLoopBound(seat, eventLoop: eventLoop)
        let device = "ssh " + DisplayText.neutralise(visit.connection.clientIdentification, limit: 60)
        ask { () async throws(GatewayError) in
            try await sessions.attach(
                caller, to: live, clientID: "ssh-" + UUID().uuidString, device: device, have: have,
                columns: terminal.columns, rows: terminal.rows, outlet: outlet)
        } then: { me, attached in
            switch attached {
            case .success(let id): bound.value.attached(id)
            case .failure(let error):
                outlet.detach()
                me.stage = nil
                me.failOrMenu(error)
            }
        }
    }

    /// The session is over, or its person left it.
    private func left(_ ending: SessionEnding?) {
        stage = nil
        if isFromMenu, let terminal, !isOver {
            return showMenu(terminal, ending.map { $0.detail } ?? "You left the session; it goes on.")
        }
        guard let ending else { return end(.status(0)) }
        if let status = ending.exitStatus { return end(.status(UInt32(truncatingIfNeeded: status))) }
        if let signal = ending.signal {
            return end(.signal(ExitSignal(name: signal, coreDumped: false, message: "")))
        }
        fail(ending.detail, hint: "")
    }

    // MARK: Commands and files

    private func run(_ command: String?, on host: SessionHost) {
        let (gateway, caller) = (gateway, visit.caller)
        let program = channel.info.program
        ask { () async throws(GatewayError) in
            try await gateway.sessions.beginCommand(command, on: host, caller: caller)
        } then: { me, begun in
            switch begun {
            case .success(let run):
                let watch = CommandWatch(run, on: host, sessions: me.gateway.sessions)
                me.carry(program, watch, on: host)
            case .failure(let error): me.fail(error)
            }
        }
    }

    private func openFiles(on host: SessionHost) {
        do throws(GatewayError) {
            let watch = try FileWatch(visit.caller, on: host, sessions: gateway.sessions)
            carry(.subsystem("sftp"), watch, on: host)
        } catch {
            fail(error)
        }
    }

    private func carry(_ program: SSHServerProgram, _ watch: any ChannelWatch, on host: SessionHost) {
        guard !isOver else {
            return watch.ended(SessionEnding(reason: .endedBy, detail: "The client closed the connection."))
        }
        let stage = CommandStage(channel, watch, visit: visit) { [weak self] exit, sentence in
            self?.stage = nil
            if let sentence { self?.say(sentence) }
            self?.end(exit)
        }
        enter(stage)
        stage.run(program, on: visit.loop.links.lease(host, caller: visit.caller, sessions: gateway.sessions))
    }

    // MARK: Stages

    private func enter(_ stage: any SessionStage) {
        self.stage = stage
        let waiting = early
        early = []
        for bytes in waiting { stage.received(bytes) }
        if hasEnded { stage.endOfFile() }
    }

    /// Asks the domain, and goes on with the answer on this loop, unless the client has left meanwhile.
    private func ask<Answer: Sendable>(
        _ question: @escaping @Sendable () async throws(GatewayError) -> Answer,
        then: @escaping @Sendable (DoorSession, Result<Answer, GatewayError>) -> Void
    ) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        Task {
            let answer: Result<Answer, GatewayError>
            do throws(GatewayError) { answer = .success(try await question()) } catch { answer = .failure(error) }
            bound.eventLoop.execute { then(bound.value, answer) }
        }
    }

    // MARK: Words and the end

    /// On standard error, where it is nobody's data.
    private func say(_ sentence: String, isQuiet: Bool = false) {
        let line = DisplayText.neutralise(sentence, limit: 1000)
        let text = isQuiet ? "\u{1B}[2m\(line)\u{1B}[22m" : "copilot: " + line
        channel.write(ByteBuffer(string: text + (terminal == nil ? "\n" : "\r\n")), stream: .standardError)
    }

    private func fail(_ sentence: String, hint: String, _ status: UInt32 = 255) {
        guard !isOver else { return }
        say(sentence)
        if !hint.isEmpty {
            let line = "  " + DisplayText.neutralise(hint, limit: 1000) + (terminal == nil ? "\n" : "\r\n")
            channel.write(ByteBuffer(string: line), stream: .standardError)
        }
        end(.status(status))
    }

    private func fail(_ error: GatewayError) { fail(error.error, hint: error.hint) }

    private func failOrMenu(_ error: GatewayError) {
        guard isFromMenu, let terminal, !isOver else { return fail(error) }
        showMenu(terminal, error.description)
    }

    private func end(_ exit: CommandResult.Exit) {
        guard !isOver else { return }
        isOver = true
        dropEarly()
        channel.exit(exit)
    }

    private func dropEarly() {
        for bytes in early { channel.consumed(bytes.readableBytes) }
        early = []
    }

    // MARK: VisitActivity

    func reauthorise() { stage?.reauthorise() }

    func revoke(_ sentence: String) {
        guard !isOver else { return }
        if let menu = stage as? MenuStage {
            menu.end()
        } else if let stage {
            // A seat and a command say it themselves, and end the channel.
            return stage.revoke(sentence)
        }
        fail(sentence, hint: "")
    }

    // MARK: SSHServerSessionDelegate

    func session(_ session: SSHServerSessionChannel, received data: ByteBuffer) {
        if let stage { return stage.received(data) }
        if isOver { channel.consumed(data.readableBytes) } else { early.append(data) }
    }

    func sessionEndOfFile(_ session: SSHServerSessionChannel) {
        hasEnded = true
        stage?.endOfFile()
    }

    func sessionEndOfWrite(_ session: SSHServerSessionChannel) { stage?.endOfWrite() }

    func session(_ session: SSHServerSessionChannel, resized terminal: SSHServerTerminal) {
        self.terminal = terminal
        stage?.resized(terminal)
    }

    func session(_ session: SSHServerSessionChannel, signal name: String) { stage?.signal(name) }

    func session(_ session: SSHServerSessionChannel, writabilityChanged isWritable: Bool) {
        stage?.writabilityChanged(isWritable)
    }

    func session(_ session: SSHServerSessionChannel, closed error: SSHError?) {
        isOver = true
        dropEarly()
        stage?.closed(error)
        stage = nil
        visit.loop.leave(self)
    }
}

/// Sentences that several places say.
enum DoorWords {
    /// The same for a host that is not there and for one that is not theirs.
    static func unknownHost(_ alias: String) -> String {
        "There is no host \"\(DisplayText.neutralise(alias, limit: 64))\" that you may reach."
    }

    static func hint(_ caller: Caller) -> String {
        "You are \(caller.username): ssh \(caller.username)@… shows the hosts."
    }

    static let over = GatewayError(
        "session_ended", status: 409, "That session is over.", hint: "Its recording is on the page.")
    static let signedOut = "Your sign-in has ended."
}

/// The TERM value of a client, which goes into a host's environment.
enum TerminalType {
    static func checked(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-+._".utf8.contains(byte)
            }
        }
        return isPlain && (1...64).contains(text.utf8.count) ? text : HostTerminal.page.type
    }
}
