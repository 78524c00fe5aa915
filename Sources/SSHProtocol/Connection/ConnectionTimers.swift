// Deadlines of a connection, all of them computed from times that the owner passes in.

import NIOCore

struct ConnectionTimers {
    var now = NIODeadline.distantPast
    private let handshakeTimeout: TimeAmount
    private let keyExchangeTimeout: TimeAmount
    private let keepaliveInterval: TimeAmount
    private let keepaliveCountMax: Int
    private let rekeyInterval: TimeAmount
    private let idleTimeout: TimeAmount?
    private let questionsStopTheClock: Bool

    private var handshakeDeadline = NIODeadline.distantFuture
    private var questionSince: NIODeadline?
    private var heardAt = NIODeadline.distantPast
    private var unansweredKeepalives = 0
    private var askedAt = NIODeadline.distantPast
    private var keysSince = NIODeadline.distantPast
    private var keyExchangeSince: NIODeadline?
    private var carriedAt = NIODeadline.distantPast

    /// What `ConnectionMachine.checkTimers` has to do.
    enum Due {
        case nothing
        case handshakeTimeout
        case keyExchangeTimeout
        case keepaliveTimeout(silence: TimeAmount)
        case keepalive
        case rekey
        case idleTimeout
    }

    init(_ settings: ConnectionSettings) {
        handshakeTimeout = settings.handshakeTimeout
        keyExchangeTimeout = settings.keyExchangeTimeout
        keepaliveInterval = settings.keepaliveInterval
        keepaliveCountMax = max(0, settings.keepaliveCountMax)
        rekeyInterval = TimeAmount(settings.rekey.interval)
        idleTimeout = settings.idleTimeout
        questionsStopTheClock = settings.questionsStopTheClock
    }

    mutating func start(_ now: NIODeadline) {
        self.now = now
        heardAt = now
        keysSince = now
        handshakeDeadline = now + handshakeTimeout
    }

    mutating func heard(_ now: NIODeadline) {
        self.now = max(self.now, now)
        heardAt = self.now
        unansweredKeepalives = 0
    }

    /// A question to people stops the clock of the handshake.
    mutating func questionAsked() { if questionsStopTheClock { questionSince = now } }

    mutating func questionAnswered(_ now: NIODeadline) {
        self.now = max(self.now, now)
        guard let since = questionSince else { return }
        questionSince = nil
        handshakeDeadline = handshakeDeadline + (self.now - since)
    }

    mutating func keyExchangeBegan() { keyExchangeSince = now }

    mutating func keyExchangeEnded() {
        keyExchangeSince = nil
        keysSince = now
    }

    mutating func authenticated() {
        handshakeDeadline = .distantFuture
        heardAt = now
        carriedAt = now
    }

    /// A message went either way: the opening of a channel, its data and its end are what a connection is for. Requests
    /// are not: peers ask for signs of life with them.
    mutating func carried(_ number: UInt8) {
        switch number {
        case 90...92, 94...97: carriedAt = now
        default: break
        }
    }

    private var idleDue: NIODeadline? { idleTimeout.map { carriedAt + $0 } }

    mutating func keepaliveSent() {
        unansweredKeepalives += 1
        askedAt = now
    }

    /// Counted from when we really asked: if this process was held up, the peer has its full time to answer all the same.
    private var keepaliveDue: NIODeadline? {
        guard keepaliveInterval > .zero else { return nil }
        return max(heardAt, askedAt) + keepaliveInterval
    }

    func next(in phase: ConnectionMachine.Phase) -> NIODeadline? {
        switch phase {
        case .idle, .closed:
            return nil
        case .identification, .handshake, .service, .authentication:
            return questionSince == nil ? handshakeDeadline : nil
        case .connected:
            let exchange = keyExchangeSince.map { $0 + keyExchangeTimeout } ?? keysSince + rekeyInterval
            return min(exchange, keepaliveDue ?? .distantFuture, idleDue ?? .distantFuture)
        }
    }

    func due(in phase: ConnectionMachine.Phase) -> Due {
        guard case .connected = phase else {
            return questionSince == nil && now >= handshakeDeadline ? .handshakeTimeout : .nothing
        }
        if let idleDue, now >= idleDue { return .idleTimeout }
        if let keepaliveDue, now >= keepaliveDue {
            return unansweredKeepalives >= keepaliveCountMax
                ? .keepaliveTimeout(silence: now - heardAt) : .keepalive
        }
        if let since = keyExchangeSince { return now >= since + keyExchangeTimeout ? .keyExchangeTimeout : .nothing }
        return now >= keysSince + rekeyInterval ? .rekey : .nothing
    }
}

extension ConnectionMachine {
    mutating func checkTimers() throws(ProtocolError) {
        switch timers.due(in: phase) {
        case .nothing:
            break
        case .handshakeTimeout:
            if case .identification = phase { throw identificationTimeout }
            throw ProtocolError(
                .handshakeTimeout, "The host did not complete the handshake in time.", reason: .byApplication)
        case .keyExchangeTimeout:
            throw ProtocolError(
                .handshakeTimeout, "The host did not complete a key exchange in time.", reason: .byApplication)
        case .keepaliveTimeout(let silence):
            throw ProtocolError(
                .keepaliveTimeout,
                "The host has not been heard of for \(silence.nanoseconds / 1_000_000_000) seconds.",
                reason: .connectionLost)
        case .keepalive:
            timers.keepaliveSent()
            guard !globalRequests.isFull else { break }
            globalRequests.append(.keepalive)
            try send(GlobalRequest(name: GlobalRequest.keepalive, wantsReply: true).encoded)
        case .rekey:
            try sendKeyExchangeInit()
        case .idleTimeout:
            throw ProtocolError(
                .idleTimeout, "The connection carried nothing for longer than it may.", reason: .byApplication)
        }
    }

    private var identificationTimeout: ProtocolError {
        role == .server || preface.isEmpty
            ? ProtocolError(
                .handshakeTimeout, "What answered said nothing in time; it may not be an SSH server.",
                reason: .byApplication)
            : silentOrForeign("went on waiting")
    }
}
