import Gateway
import NIOCore
import SFTP
import SSH
import SSHProtocol

/// A command, a shell without a terminal or SFTP: a client's channel and a host's, one to one, with somebody who watches.
/// Loop-bound.
final class CommandStage: SessionStage, SessionChannelDelegate {
    private let near: SSHServerSessionChannel
    private let watch: any ChannelWatch
    private let visit: Visit
    private let toHost: Flow
    private let toClient: Flow
    private var far: SSHSessionChannel?
    private var link: HostLink?
    private var exit: CommandResult.Exit = .unknown
    /// Tells the client that the command is over, once; with a sentence when something went wrong here.
    private var finish: (CommandResult.Exit, String?) -> Void
    private var isOver = false

    init(
        _ near: SSHServerSessionChannel, _ watch: any ChannelWatch, visit: Visit,
        finish: @escaping (CommandResult.Exit, String?) -> Void
    ) {
        self.near = near
        self.watch = watch
        self.visit = visit
        self.finish = finish
        toHost = Flow(from: FlowEnd(near), to: nil)
        toClient = Flow(from: nil, to: FlowEnd(near))
        // The recorder would keep the stage, which keeps the recorder.
        let flow = NIOLoopBound(WeakFlow(flow: toClient), eventLoop: near.connection.eventLoop)
        watch.onHold { isHeld in flow.eventLoop.execute { flow.value.flow?.isHeld = isHeld } }
    }

    /// Runs it on a connection that is leased, or about to be there.
    func run(_ program: SSHServerProgram, on link: HostLink) {
        self.link = link
        link.connection.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let connection): self.open(program, connection)
            case .failure(let error): self.failed(GatewayError(hostFailure: error))
            }
        }
    }

    private func open(_ program: SSHServerProgram, _ connection: SSHConnection) {
        guard !isOver else { return }
        connection.makeSession(delegate: self).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.start(program, channel)
            case .failure(let error): self.failed(GatewayError(hostFailure: error))
            }
        }
    }

    private func start(_ program: SSHServerProgram, _ channel: SSHSessionChannel) {
        guard !isOver else { return channel.abort() }
        far = channel
        toClient.connect(from: FlowEnd(channel))
        for (name, value) in near.info.environment { channel.setEnvironment(name, value) }
        let started =
            switch program {
            case .shell: channel.shell()
            case .exec(let command): channel.exec(String(decoding: command, as: UTF8.self))
            case .subsystem(let name): channel.subsystem(name)
            }
        started.assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.toHost.connect(to: FlowEnd(channel))
            case .failure(let error): self.failed(GatewayError(hostFailure: error))
            }
        }
    }

    // MARK: From the client

    func received(_ data: ByteBuffer) {
        guard !isOver else { return near.consumed(data.readableBytes) }
        do {
            let passed = try watch.fromClient(data)
            toHost.push(ByteBuffer(), credit: data.readableBytes)
            for bytes in passed.toHost { toHost.push(bytes, credit: 0) }
            for bytes in passed.toClient { toClient.push(bytes, credit: 0) }
        } catch {
            broken("Your client", error)
        }
    }

    func endOfFile() { toHost.end() }

    func endOfWrite() { far?.endOutput() }

    func resized(_ terminal: SSHServerTerminal) {}

    func signal(_ name: String) { far?.signal(name) }

    func writabilityChanged(_ isWritable: Bool) {
        if isWritable { toClient.drain() }
    }

    func closed(_ error: SSHError?) {
        guard !isOver else { return }
        // Its program at the host must not go on for nobody.
        if error == nil { far?.close() } else { far?.abort() }
        end(SessionEnding(reason: .endedBy, detail: "The client closed the connection."))
    }

    // MARK: From the host

    func channel(_ channel: SSHSessionChannel, received data: ByteBuffer, stream: SSHDataStream) {
        guard !isOver else { return channel.consumed(data.readableBytes) }
        do {
            toClient.push(ByteBuffer(), credit: data.readableBytes)
            for bytes in try watch.fromHost(data, stream) { toClient.push(bytes, stream, credit: 0) }
        } catch {
            broken("The host", error)
        }
    }

    func channelEndOfFile(_ channel: SSHSessionChannel) { toClient.end() }

    func channelEndOfWrite(_ channel: SSHSessionChannel) { near.sendEndOfWrite() }

    func channel(_ channel: SSHSessionChannel, writabilityChanged isWritable: Bool) {
        if isWritable { toHost.drain() }
    }

    func channel(_ channel: SSHSessionChannel, exited status: UInt32) { exit = .status(status) }

    func channel(_ channel: SSHSessionChannel, exited signal: ExitSignal) { exit = .signal(signal) }

    func channel(_ channel: SSHSessionChannel, closed error: SSHError?) {
        far = nil
        toHost.drop()
        toClient.isHeld = false
        // What it said last is shown before its end.
        toClient.drained { self.hostClosed(error) }
    }

    private func hostClosed(_ error: SSHError?) {
        guard !isOver else { return }
        if let error, case .unknown = exit { return failed(GatewayError(hostFailure: error)) }
        let finish = finish
        end(ending)
        finish(exit, nil)
    }

    private var ending: SessionEnding {
        switch exit {
        case .status(let status):
            SessionEnding(
                reason: .exit, exitStatus: Int(status), detail: "The command ended with exit status \(status).")
        case .signal(let signal):
            SessionEnding(
                reason: .exit, signal: signal.name,
                detail: "The command was ended by signal \(DisplayText.neutralise(signal.name, limit: 64)).")
        case .unknown: SessionEnding(reason: .hostLost, detail: "The host closed the command without an exit status.")
        }
    }

    // MARK: What goes wrong

    private func broken(_ who: String, _ error: any Error) {
        let why = (error as? SFTPStatus)?.message ?? "\(type(of: error))"
        stop("\(who) sent what is no SFTP: \(why).", .failed)
    }

    private func failed(_ error: GatewayError) { stop(error.description, .failed) }

    private func stop(_ sentence: String, _ reason: SessionEnding.Reason) {
        guard !isOver else { return }
        let finish = finish
        end(SessionEnding(reason: reason, detail: sentence))
        far?.abort()
        // As OpenSSH's client says that a failure is not the program's own.
        finish(.status(255), sentence)
    }

    private func end(_ ending: SessionEnding) {
        isOver = true
        finish = { _, _ in }
        toHost.drop()
        toClient.drop()
        watch.ended(ending)
        if let link { visit.loop.links.giveBack(link) }
        link = nil
    }

    private struct WeakFlow {
        weak var flow: Flow?
    }

    func reauthorise() {
        guard !isOver else { return }
        do throws(GatewayError) { try watch.reauthorise(visit.caller) } catch { stop(error.description, .endedBy) }
    }

    func revoke(_ sentence: String) { stop(sentence, .endedBy) }
}
