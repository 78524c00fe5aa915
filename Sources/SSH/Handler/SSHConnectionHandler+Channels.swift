// What owners ask of channels, and what channels tell their owners.

import NIOCore
import SSHProtocol

extension SSHConnectionHandler {
    // MARK: The connection's owner

    func answer(_ answer: HostKeyAnswer) {
        switch answer {
        case .accept: machine.acceptHostKey(now: .now())
        case .refuse(let reason): machine.refuseHostKey(reason: reason)
        }
        turn()
    }

    func answer(_ answers: [String]?) {
        machine.answerPrompt(answers?.map { Array($0.utf8) }, now: .now())
        turn()
    }

    func close() {
        machine.close()
        turn()
    }

    func rekey() {
        machine.beginRekey(now: .now())
        turn()
    }

    func ping() -> EventLoopFuture<Void> {
        guard context != nil else { return failed(SSHError(ProtocolError.streamEnded)) }
        let promise = eventLoop.makePromise(of: Void.self)
        do throws(ProtocolError) {
            pings[try machine.ping()] = promise
        } catch {
            promise.fail(endingError ?? SSHError(error))
        }
        turn()
        return promise.futureResult
    }

    // MARK: A channel's owner

    func openSession(
        delegate: any SessionChannelDelegate, make: @escaping (ChannelID) -> SSHSessionChannel
    ) -> EventLoopFuture<SSHSessionChannel> {
        guard context != nil else { return failed(SSHError(ProtocolError.streamEnded)) }
        let promise = eventLoop.makePromise(of: SSHSessionChannel.self)
        do throws(ProtocolError) {
            openings[try machine.openSession()] = Opening(promise: promise, delegate: delegate, make: make)
        } catch {
            promise.fail(endingError ?? (error.code == .limitExceeded ? .tooManyChannels : SSHError(error)))
        }
        turn()
        return promise.futureResult
    }

    func request(_ request: SessionRequest, on id: ChannelID, name: String) -> EventLoopFuture<Void> {
        guard context != nil else { return failed(.channelClosed) }
        guard let token = machine.request(request, on: id, wantsReply: true) else {
            return failed(endingError ?? .channelClosed)
        }
        let promise = eventLoop.makePromise(of: Void.self)
        requests[token] = PendingRequest(promise: promise, channel: id, name: name)
        turn()
        return promise.futureResult
    }

    func send(_ request: SessionRequest, on id: ChannelID) {
        _ = machine.request(request, on: id, wantsReply: false)
        turn()
    }

    func write(_ data: ByteBuffer, on id: ChannelID) -> Bool {
        let taken = machine.write(data, on: id)
        turn()
        return taken
    }

    func isWritable(_ id: ChannelID) -> Bool { machine.isWritable(id) }

    func queuedBytes(_ id: ChannelID) -> Int { machine.queuedBytes(id) }

    func sendEOF(on id: ChannelID) {
        machine.sendEOF(on: id)
        turn()
    }

    func consumed(_ bytes: Int, on id: ChannelID) {
        if machine.consumed(bytes, on: id) { turn() }
    }

    func close(_ id: ChannelID) {
        machine.close(id)
        turn()
    }

    func abort(_ id: ChannelID) {
        machine.abort(id)
        turn()
    }

    // MARK: Events

    func dispatch(_ event: SessionChannelEvent, of id: ChannelID) {
        switch event {
        case .opened:
            guard let opening = openings.removeValue(forKey: id) else { return }
            let channel = opening.make(id)
            sessions[id] = Session(channel: channel, delegate: opening.delegate)
            opening.promise.succeed(channel)
        case .refused(let reason, let words):
            openings.removeValue(forKey: id)?.promise.fail(SSHError.channelRefused(reason, words))
        case .answered(let token, let success):
            guard let request = requests.removeValue(forKey: token) else { return }
            if success {
                request.promise.succeed()
            } else {
                request.promise.fail(SSHError.requestRefused(request.name))
            }
        case .closed:
            endChannel(id, because: nil, failure: .channelClosed)
        case .data, .exitStatus, .exitSignal, .endOfFile, .writabilityChanged:
            tell(event, to: id)
        }
    }

    private func tell(_ event: SessionChannelEvent, to id: ChannelID) {
        guard let session = sessions[id] else { return }
        switch event {
        case .data(let stream, let bytes):
            session.delegate.channel(session.channel, received: bytes, stream: stream)
        case .exitStatus(let status):
            session.delegate.channel(session.channel, exited: status)
        case .exitSignal(let signal):
            session.delegate.channel(session.channel, exited: signal)
        case .endOfFile:
            session.delegate.channelEndOfFile(session.channel)
        case .writabilityChanged(let isWritable):
            session.delegate.channel(session.channel, writabilityChanged: isWritable)
        case .opened, .refused, .answered, .closed:
            break
        }
    }

    /// Ends every channel, opening or open, because the connection ended.
    func endChannels(_ error: SSHError?, _ failure: SSHError) {
        let waiting = pings
        pings = [:]
        for promise in waiting.values { promise.fail(failure) }
        let unopened = openings
        openings = [:]
        for opening in unopened.values { opening.promise.fail(failure) }
        for id in sessions.keys.sorted(by: { $0.number < $1.number }) {
            endChannel(id, because: error, failure: failure)
        }
    }

    private func endChannel(_ id: ChannelID, because error: SSHError?, failure: SSHError) {
        for (token, request) in requests where request.channel == id {
            requests[token] = nil
            request.promise.fail(failure)
        }
        openings.removeValue(forKey: id)?.promise.fail(failure)
        guard let session = sessions.removeValue(forKey: id) else { return }
        session.delegate.channel(session.channel, closed: error)
    }

    /// Why the connection ended, once it has.
    private var endingError: SSHError? {
        guard case .some(let ended) = ending else { return nil }
        return ended ?? .connectionClosed
    }

    private func failed<T: Sendable>(_ error: SSHError) -> EventLoopFuture<T> {
        eventLoop.makeFailedFuture(endingError ?? error)
    }
}
