// One client of a control socket, which has said hello: it asks for forwards, and has one session or one stream.

import NIOCore
import SSH
import SSHProtocol
import SSHTools

/// Loop-bound.
final class ControlVisit: SessionFace {
    let id: ControlReader.ClientID
    private let socket: Int32
    private let door: ControlDoor
    private var hasForwards = false
    private var work: Work?
    private var isOver = false

    /// What a client stays for. Loop-bound.
    private final class Work {
        /// Of its request, until that is answered.
        var request: UInt32?
        let number: UInt32
        let descriptors: ReceivedDescriptors
        var guest = ControlGuest()
        var session: HostSession?
        var streams: StandardStreams?
        var wants: [SessionRequest] = []
        var size: (columns: Int, rows: Int)?
        var hasTerminal = false

        init(_ request: UInt32, _ number: UInt32, _ descriptors: [Int32]) {
            self.request = request
            self.number = number
            self.descriptors = ReceivedDescriptors(descriptors)
        }
    }

    init(_ id: ControlReader.ClientID, _ socket: Int32, at door: ControlDoor) {
        self.id = id
        self.socket = socket
        self.door = door
    }

    // MARK: Requests

    /// - Parameter descriptors: Are closed here.
    func asked(_ request: ControlRequest, _ descriptors: [Int32]) {
        switch request {
        // The reader has answered the first of each; nobody says hello twice.
        case .hello: leave()
        case .alive(let id): answer(.alive(id: id, process: UInt32(bitPattern: door.processID)))
        case .terminate(let id):
            guard let terminate = door.control.terminate else {
                return answer(
                    .denied(id: id, "this shim has other hosts too: end it by its process, \(door.processID)"))
            }
            answer(.ok(id: id))
            terminate()
        case .stopListening(let id):
            door.stopListening()
            answer(.ok(id: id))
        case .openForward(let id, let forward):
            hasForwards = true
            door.forwards.open(forward, for: self.id) { answer in
                switch answer {
                case .stands: self.answer(.ok(id: id))
                case .port(let port): self.answer(.port(id: id, port))
                case .failed(let words): self.answer(.failure(id: id, words))
                }
            }
        case .closeForward(let id, let forward):
            answer(door.forwards.close(forward) ? .ok(id: id) : .failure(id: id, "nothing is forwarded from there"))
        case .session(let id, let wanted): beginSession(id, wanted, descriptors)
        case .streams(let id, let target): beginStreams(id, target, descriptors)
        case .unknown(let id): answer(.failure(id: id, "this is not done here"))
        }
    }

    /// The client's next request may come.
    private func answer(_ reply: ControlReply) {
        send(reply)
        readOn()
    }

    private func readOn() { if !isOver { door.reader.readOn(id) } }

    private func send(_ reply: ControlReply) {
        guard !isOver else { return }
        // A client that takes no answer has gone astray: its socket holds hundreds of them.
        if !OwnerSocket.send(socket, reply.encoded()) { leave() }
    }

    // MARK: A session

    private func beginSession(_ id: UInt32, _ wanted: ControlSession, _ descriptors: [Int32]) {
        let work = Work(id, door.nextSession(), descriptors)
        self.work = work
        guard ControlTerminal.isUsable(descriptors) else {
            return refuse("the shim is in the background of this terminal, which it cannot read")
        }
        guard !wanted.forwardsAgent || door.control.agentSocket != nil else {
            return refuse("this shim was started without an agent")
        }
        guard wanted.forwardsX11 else { return start(wanted, display: nil) }
        guard let display = door.control.display else { return refuse("this shim was started without a display") }
        // xauth is asked, which takes its time.
        door.eventLoop.makeFutureWithTask { await display() }.assumeIsolated().whenSuccess { display in
            guard let display else { return self.refuse("this shim knows no cookie for its display") }
            self.start(wanted, display: SSHX11Forward(to: display))
        }
    }

    /// The client goes on by the endpoint.
    private func refuse(_ words: String) {
        guard let request = work?.request else { return leave() }
        work?.descriptors.close()
        work = nil
        answer(.failure(id: request, words))
    }

    private func start(_ wanted: ControlSession, display: SSHX11Forward?) {
        guard !isOver, let work, work.descriptors.descriptors.count == 3 else { return }
        let descriptors = work.descriptors.descriptors
        let terminal = descriptors.lazy.compactMap { LocalTerminal($0) }.first
        var plan = SessionPlan(wanted, terminal: terminal)
        if hasForwards, plan.program == .shell, plan.terminal == nil {
            // The protocol has no word for `ssh -N`: it asks for a shell. One that nobody types into is none.
            plan.waitsForInput = true
            opened()
            guard LocalTerminal(descriptors[0]) == nil else { return }
        }
        work.size = plan.terminal.map { ($0.columns, $0.rows) }
        work.guest = ControlGuest(agent: wanted.forwardsAgent ? door.control.agentSocket : nil, display: display)
        if wanted.forwardsAgent { work.wants.append(.agentForwarding) }
        if let display { work.wants.append(.x11(display.request)) }
        let finished = door.eventLoop.makePromise(of: SessionEnd.self)
        let session = HostSession(plan, on: ControlHost(self), x11: display?.request, face: self, finished: finished)
        work.session = session
        finished.futureResult.assumeIsolated().whenSuccess { self.ended($0) }
        session.start(input: descriptors[0], output: descriptors[1], error: descriptors[2], areReceived: true)
    }

    fileprivate var eventLoop: any EventLoop { door.eventLoop }

    fileprivate func openSession(_ delegate: any SessionChannelDelegate) -> EventLoopFuture<SSHSessionChannel> {
        guard let work, !isOver else {
            return eventLoop.makeFailedFuture(SSHError(.channelClosed, "The client is gone.", hint: ""))
        }
        return door.upstream.openSession(delegate, wants: work.wants, for: work.guest)
    }

    fileprivate func beginRekey() { door.upstream.home?.connection.beginRekey() }

    private func ended(_ end: SessionEnd) {
        guard let work, !isOver else { return }
        opened()
        send(.exit(session: work.number, status: UInt32(bitPattern: end.exitStatus)))
        leave()
    }

    /// The terminal of the client may have another size.
    func windowChanged() {
        guard let work, let session = work.session,
            let size = work.descriptors.descriptors.lazy.compactMap({ LocalTerminal($0)?.size }).first
        else { return }
        guard work.size.map({ $0 != size }) ?? false else { return }
        work.size = size
        session.resize(columns: size.columns, rows: size.rows)
    }

    // MARK: A stream

    private func beginStreams(_ id: UInt32, _ target: SSHForwardEndpoint, _ descriptors: [Int32]) {
        let work = Work(id, door.nextSession(), descriptors)
        self.work = work
        guard descriptors.count == 2, ControlTerminal.isUsable(descriptors) else {
            return refuse("the shim is in the background of this terminal, which it cannot read")
        }
        let finished = eventLoop.makePromise(of: Void.self)
        let streams = StandardStreams(finished: finished)
        work.streams = streams
        finished.futureResult.assumeIsolated().whenComplete { result in
            guard case .failure(let error) = result, let request = self.work?.request else { return self.leave() }
            self.send(.failure(id: request, (error as? SSHError)?.description ?? "\(error)"))
            self.leave()
        }
        let request = target.channelRequest(originator: TCPAddress(host: "127.0.0.1", port: 0))
        streams.start(
            input: descriptors[0], output: descriptors[1], areReceived: true, on: eventLoop,
            open: { self.door.upstream.openChannel(request, $0, for: work.guest) }, opened: { self.opened() })
    }

    // MARK: The end

    /// Once, whatever the reason.
    func leave() {
        guard !isOver else { return }
        isOver = true
        if let work {
            work.session?.hangUp()
            work.streams?.end()
            work.descriptors.close()
            work.guest.end()
            door.upstream.left(work.guest)
        }
        // `ssh -O forward` comes for its forwards and goes; those of a session end with it.
        door.left(self, keepsForwards: work == nil)
    }

    // MARK: SessionFace

    /// The host opened it, or nobody waits for that.
    func opened() {
        guard let work, let request = work.request else { return }
        work.request = nil
        send(.opened(id: request, session: work.number))
    }

    func lacksTerminal() {
        guard let work else { return }
        show(["The host allocated no terminal."])
        send(.lacksTerminal(session: work.number))
    }

    /// The client itself does that.
    func setRaw(_ isRaw: Bool) { work?.hasTerminal = isRaw }

    func show(_ lines: [String]) {
        work?.session?.say(lines.map { Printable.line($0) + lineEnd }.joined())
    }

    private var lineEnd: String { work?.hasTerminal == true ? "\r\n" : "\n" }

    func lastWords(_ end: SessionEnd) -> String? {
        guard !isOver else { return nil }
        if case .outputLost = end, let failure = end.failure { return lineEnd + failure.sentence + lineEnd }
        guard case .failed(let error) = end else { return nil }
        let title = door.upstream.target.title
        let words =
            switch error.code {
            case .channelRefused: error.description
            case .requestRefused, .channelClosed: "copilot shim: \(error.description)"
            default:
                "copilot shim: the connection to \(title) was lost, and this session with it. \(error.description)"
            }
        return lineEnd + Printable.line(words) + lineEnd
    }

    func suspend() -> Bool { false }

    func changeVerbosity(by step: Int) -> String { "[the shim has no log]" }

    func connections() -> EventLoopFuture<[String]> { eventLoop.makeSucceededFuture(door.forwards.lines) }

    var offersCommandLine: Bool { false }

    func run(commandLine: String) -> EventLoopFuture<[String]>? { nil }
}

/// Where a visit's session is opened. Loop-bound.
private final class ControlHost: SessionHost {
    private weak var visit: ControlVisit?
    let eventLoop: any EventLoop

    init(_ visit: ControlVisit) {
        self.visit = visit
        eventLoop = visit.eventLoop
    }

    func makeSession(delegate: any SessionChannelDelegate) -> EventLoopFuture<SSHSessionChannel> {
        visit?.openSession(delegate)
            ?? eventLoop.makeFailedFuture(SSHError(.channelClosed, "The client is gone.", hint: ""))
    }

    func beginRekey() { visit?.beginRekey() }
}

extension SessionPlan {
    fileprivate init(_ wanted: ControlSession, terminal: LocalTerminal?) {
        let text = String(decoding: wanted.command, as: UTF8.self)
        self.init(wanted.isSubsystem ? .subsystem(text) : wanted.command.isEmpty ? .shell : .command(text))
        if Array(text.utf8) != wanted.command { commandBytes = wanted.command }
        if wanted.wantsTerminal {
            self.terminal =
                terminal?.terminal(type: wanted.terminalType)
                ?? SSHTerminal(type: wanted.terminalType, modes: .hostDefaults)
        }
        environment = wanted.environment.compactMap { text in
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
            return EnvironmentVariable(
                name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
        }
        escapeCharacter = wanted.escapeCharacter
        forwardsAgent = wanted.forwardsAgent
    }
}
