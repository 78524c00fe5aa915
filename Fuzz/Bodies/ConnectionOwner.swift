import NIOCore
import SSHKeys

@testable import SSHProtocol

/// Whoever owns a connection, as an input has it: answers at some time or never, opens, writes, consumes and closes.
struct ConnectionOwner {
    private enum Question {
        case hostKey, prompt(Int), password, signature, keyOffer, authorization
    }

    var machine: ConnectionMachine
    var now: NIODeadline
    private(set) var channels: [ChannelID] = []
    private var offered: [ChannelID] = []
    private var requests: [(id: ChannelID, request: InboundChannelRequest)] = []
    private var globals: [InboundGlobalRequest] = []
    private var question: Question?
    private var unconsumed: [ChannelID: Int] = [:]
    /// Bytes of all channels together.
    private(set) var receivedBytes = 0
    private(set) var sentBytes = 0
    /// A channel was refused, or ended with data that nobody sent yet.
    private(set) var hasLostChannels = false
    private(set) var ending: ProtocolError?
    /// Packets are in clear, whatever keys were agreed on.
    var isCleartext = true

    init(_ machine: ConnectionMachine, now: NIODeadline) {
        self.machine = machine
        self.now = now
    }

    // MARK: Events

    /// Takes what happened and remembers what wants an answer.
    mutating func takeEvents() throws {
        var count = 0
        while let event = machine.nextEvent() {
            count += 1
            try hold(count < 100_000, "Events have no end")
            try hold(ending == nil, "An event after the end: \(event)")
            take(event)
        }
        try hold(
            machine.transport.writer.pendingBytes < 8 << 20,
            "\(machine.transport.writer.pendingBytes) bytes wait for the socket")
    }

    private mutating func take(_ event: ConnectionEvent) {
        switch event {
        case .verifyHostKey: question = .hostKey
        case .prompt(let prompt): question = .prompt(prompt.questions.count)
        case .passwordExpired: question = .password
        case .sign: question = .signature
        case .mayOfferKey: question = .keyOffer
        case .authorize: question = .authorization
        case .channelOpen(let id, _): offered.append(id)
        case .globalRequest(let request): globals.append(request)
        case .keysChanged: if isCleartext { uncover() }
        case .channel(let id, let event): take(event, id)
        case .closed(let error): ending = error
        case .banner, .authenticated, .hostKeysOffered, .pong, .forwardAnswer, .globalReply: break
        }
    }

    private mutating func take(_ event: SessionChannelEvent, _ id: ChannelID) {
        switch event {
        case .data(_, let data):
            unconsumed[id, default: 0] += data.readableBytes
            receivedBytes += data.readableBytes
        case .request(let request): requests.append((id, request))
        case .closed, .refused:
            hasLostChannels = true
            channels.removeAll { $0 == id }
        default: break
        }
    }

    /// Both directions without cipher, so that an input can go on.
    mutating func uncover() {
        let limit = machine.transport.reader.maximumLength
        machine.transport.reader = PacketReader()
        machine.transport.reader.maximumLength = limit
        machine.transport.writer = PacketWriter()
    }

    // MARK: What an input makes it do

    /// One of the owner's acts. `isGentle` leaves out what ends a connection or a channel before its time.
    mutating func act(_ input: inout FuzzInput, isGentle: Bool = false) throws {
        switch input.below(isGentle ? 12 : 20) {
        case 0: open(&input)
        case 1: try write(&input)
        case 2: consume(&input)
        case 3: request(&input)
        case 4: input.element(of: channels).map { machine.sendEOF(on: $0) }
        case 5: accept(&input)
        case 6: answerRequest(&input)
        case 7: answerGlobal(&input)
        case 8: answerQuestion(input.byte() | (isGentle ? 1 : 0))
        case 9: machine.beginRekey(now: now)
        case 10: global(&input)
        case 11: input.element(of: channels).map { machine.setInteractive(input.boolean(), on: $0) }
        case 12: input.element(of: channels).map { machine.close($0) }
        case 13: input.element(of: channels).map { machine.abort($0) }
        case 14: machine.setWritable(input.boolean())
        case 15: machine.connectionLost()
        case 16: machine.close(words: input.text())
        case 17: machine.sendNoMoreSessions()
        case 18: input.element(of: channels).map { machine.sendEndOfWrite(on: $0) }
        default: machine.refuseHostKey(reason: "no")
        }
    }

    private mutating func open(_ input: inout FuzzInput) {
        let requests = ChannelSamples.opens(TCPAddress(host: "h", port: 1))
            .filter { $0.mayBeOpened(by: machine.role) }
        guard channels.count < 16, let request = input.element(of: requests), let id = try? machine.open(request) else {
            return
        }
        channels.append(id)
    }

    private mutating func write(_ input: inout FuzzInput) throws {
        guard let id = input.element(of: channels) else { return }
        let data = [UInt8](repeating: input.byte(), count: Int(min(input.magnitude(), 300_000)))
        let before = machine.queuedBytes(id)
        let isTaken = machine.write(
            ByteBuffer(bytes: data), stream: input.boolean() ? .standardError : .standardOutput, on: id)
        try hold(
            machine.queuedBytes(id) == before + (isTaken ? data.count : 0), "A write counts wrongly in its queue")
        try hold(machine.queuedBytes(id) <= SendQueue.limit, "A queue beyond its limit")
        if isTaken { sentBytes += data.count }
    }

    private mutating func consume(_ input: inout FuzzInput) {
        guard let id = input.element(of: unconsumed.keys.sorted { $0.number < $1.number }),
            let waiting = unconsumed[id]
        else { return }
        let count = min(waiting, Int(input.magnitude()))
        unconsumed[id] = waiting - count
        _ = machine.consumed(count, on: id)
    }

    private mutating func request(_ input: inout FuzzInput) {
        let mine = ChannelSamples.requests.filter { $0.mayBeSent(by: machine.role) }
        guard let id = input.element(of: channels), let request = input.element(of: mine) else { return }
        _ = machine.request(request, on: id, wantsReply: input.boolean())
    }

    private mutating func accept(_ input: inout FuzzInput) {
        guard let id = offered.popLast() else { return }
        if input.byte() < 0xF0 {
            machine.accept(id)
            channels.append(id)
        } else {
            hasLostChannels = true
            machine.refuse(id, reason: .connectFailed, description: input.text())
        }
    }

    private mutating func answerRequest(_ input: inout FuzzInput) {
        guard let (id, request) = requests.popLast() else { return }
        machine.answer(request, success: input.boolean(), on: id)
    }

    private mutating func answerGlobal(_ input: inout FuzzInput) {
        guard let request = globals.popLast() else { return }
        machine.answer(request, success: input.boolean(), port: input.boolean() ? input.uint32() : nil)
    }

    private mutating func global(_ input: inout FuzzInput) {
        let forward = RemoteForward.tcp(TCPAddress(host: "", port: 0))
        switch input.below(4) {
        case 0: _ = try? machine.ping()
        case 1: if machine.role == .client { _ = try? machine.requestForward(forward) }
        case 2: if machine.role == .client { _ = try? machine.cancelForward(forward) }
        default: _ = machine.sendPing()
        }
    }

    /// An odd choice is a yes.
    mutating func answerQuestion(_ choice: UInt8) {
        guard let waiting = question else { return }
        question = nil
        let isYes = choice & 1 == 1
        switch waiting {
        case .hostKey: isYes ? machine.acceptHostKey(now: now) : machine.refuseHostKey(reason: "no")
        case .prompt(let count):
            machine.answerPrompt(isYes ? [[UInt8]](repeating: [1], count: count) : nil, now: now)
        case .password: machine.answerPasswordChange(isYes ? [1, 2] : nil, now: now)
        case .signature: machine.answerSignature(isYes ? [0, 0, 0, 0] : nil, now: now)
        case .keyOffer: machine.answerKeyOffer(isYes, now: now)
        case .authorization: machine.answerAuthorization(authorization(choice), now: now)
        }
    }

    private func authorization(_ choice: UInt8) -> AuthorizationAnswer {
        switch choice {
        case 2: .partial(remaining: ["password", "keyboard-interactive"])
        case 4: .ask(KeyboardQuestions(prompts: [.init(text: "Code:", echoes: false)]))
        case 6: .changePassword(prompt: "new")
        case 8: .partial(remaining: [])
        default: choice & 1 == 1 ? .accept : .refuse
        }
    }

    /// Whatever waits for the owner is done, and everything that came is consumed.
    mutating func catchUp() {
        machine.setWritable(true)
        answerQuestion(1)
        for id in offered {
            machine.accept(id)
            channels.append(id)
        }
        for (id, request) in requests { machine.answer(request, success: true, on: id) }
        for request in globals { machine.answer(request, success: true, port: 1) }
        for (id, bytes) in unconsumed { _ = machine.consumed(bytes, on: id) }
        offered = []
        requests = []
        globals = []
        unconsumed = [:]
    }

    // MARK: Time

    /// Time passes, and whatever is due is done.
    mutating func wait(_ amount: TimeAmount) throws {
        now = now + amount
        for round in 0... {
            guard let due = machine.nextDeadline, due <= now else { return }
            try hold(round < 100, "A deadline that is past stays due")
            machine.tick(now: now)
            try takeEvents()
        }
    }
}
