// Two channels joined into one: what comes in at one end leaves at the other, in order and unchanged.

import NIOCore
import SSH

/// Joins a channel of a local client with one of the upstream's. Loop-bound: both are on one loop.
///
/// Window is given back to one side only when the other side's queue has room, so that whoever does not read stops whoever
/// writes, and nobody else.
final class ChannelBridge {
    /// The local client's end, and the host's.
    let near: BridgeEnd
    let far: BridgeEnd

    init() {
        near = BridgeEnd(isUpstream: false)
        far = BridgeEnd(isUpstream: true)
        near.other = far
        far.other = near
    }

    /// What is said on a session's standard error when its host was lost.
    var epitaph: (SSHError) -> String = { $0.description } {
        didSet { far.epitaph = epitaph }
    }

    /// The two were never joined: neither keeps the other.
    func discard() {
        near.other = nil
        far.other = nil
    }
}

/// One side of a bridge. Loop-bound.
final class BridgeEnd: SSHRelayDelegate {
    private let isUpstream: Bool
    /// Until it is closed.
    var channel: SSHRelayChannel?
    /// The other side, until nothing goes there any more.
    var other: BridgeEnd?
    var epitaph: (SSHError) -> String = { $0.description }
    /// Told once, when the channel is over.
    var ended: () -> Void = {}
    /// Told what was granted at the other side.
    var granted: (SessionRequest) -> Void = { _ in }

    /// Received and refused by the other side's queue; at most a window.
    private var held = CircularBuffer<(data: ByteBuffer, stream: SSHDataStream)>()
    /// Bytes whose window has not been given back yet.
    private var uncredited = 0
    /// What follows `held`.
    private var hasEnded = false
    private var hasClosed = false
    private var hasToldExit = false

    init(isUpstream: Bool) { self.isUpstream = isUpstream }

    // MARK: Data

    func relay(_ channel: SSHRelayChannel, received data: ByteBuffer, stream: SSHDataStream) {
        guard let target = other?.channel, target.takesData else { return channel.consumed(data.readableBytes) }
        uncredited += data.readableBytes
        if !held.isEmpty || !target.write(data, stream: stream) { held.append((data, stream)) }
        if held.isEmpty, target.isWritable { giveCredit() }
    }

    private func giveCredit() {
        guard uncredited > 0 else { return }
        let bytes = uncredited
        uncredited = 0
        channel?.consumed(bytes)
    }

    func relay(_ channel: SSHRelayChannel, writabilityChanged isWritable: Bool) {
        if isWritable { other?.flush() }
    }

    /// The other side has room again.
    private func flush() {
        guard let target = other?.channel else { return }
        while let (data, stream) = held.first, target.isWritable, target.write(data, stream: stream) {
            held.removeFirst()
        }
        guard held.isEmpty else { return }
        if target.isWritable { giveCredit() }
        if hasClosed {
            closeOther()
        } else if hasEnded {
            target.sendEOF()
        }
    }

    func relayEndOfFile(_ channel: SSHRelayChannel) {
        hasEnded = true
        if held.isEmpty { other?.channel?.sendEOF() }
    }

    func relayEndOfWrite(_ channel: SSHRelayChannel) { other?.channel?.sendEndOfWrite() }

    // MARK: Requests

    func relay(_ channel: SSHRelayChannel, asked request: InboundChannelRequest) {
        guard let target = other?.channel else { return channel.answer(request, success: false) }
        guard request.wantsReply else {
            target.tell(request.request)
            return granted(request.request)
        }
        target.ask(request.request).assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                self.granted(request.request)
                channel.answer(request, success: true)
            case .failure(let error):
                // A program whose host was lost before it answered: what follows says so, and a refusal would hide it.
                let isLoss = (error as? SSHError)?.code != .requestRefused
                channel.answer(request, success: isLoss && request.request.startsProgram)
            }
        }
    }

    func relay(_ channel: SSHRelayChannel, told request: SessionRequest) {
        hasToldExit = true
        other?.channel?.tell(request)
    }

    // MARK: The end

    func relay(_ channel: SSHRelayChannel, closed error: SSHError?) {
        self.channel = nil
        hasClosed = true
        // Whatever the other side still brings goes nowhere.
        other?.dropHeld()
        if let error {
            lost(error)
        } else if held.isEmpty {
            closeOther()
        }
        let ended = ended
        (self.ended, granted) = ({}, { _ in })
        ended()
    }

    private func lost(_ error: SSHError) {
        guard isUpstream else {
            // The client is gone: its program at the host must not go on for nobody.
            held.removeAll()
            other?.channel?.abort()
            other = nil
            return
        }
        if let target = other?.channel {
            while let (data, stream) = held.popFirst(), target.write(data, stream: stream) {}
            held.removeAll()
            if target.request == .session, !hasToldExit {
                target.write(ByteBuffer(string: "\r\n" + epitaph(error) + "\r\n"), stream: .standardError)
                // As OpenSSH's client says that the failure is not the program's own.
                target.tell(.exitStatus(255))
            }
        }
        closeOther()
    }

    private func closeOther() {
        other?.channel?.close()
        other = nil
    }

    private func dropHeld() {
        held.removeAll()
        giveCredit()
        if hasClosed { other = nil }
    }
}

extension SessionRequest {
    /// It begins what the session is for.
    fileprivate var startsProgram: Bool {
        switch self {
        case .shell, .exec, .subsystem: true
        default: false
        }
    }
}
