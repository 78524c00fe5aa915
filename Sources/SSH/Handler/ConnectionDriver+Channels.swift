// What owners ask of channels, and what channels tell their owners.

import NIOCore
import SSHProtocol

extension ConnectionDriver {
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

    func answerSignature(_ signature: [UInt8]?) {
        machine.answerSignature(signature, now: .now())
        turn()
    }

    func answerPasswordChange(_ new: [UInt8]?) {
        machine.answerPasswordChange(new, now: .now())
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

    func sendNoMoreSessions() {
        machine.sendNoMoreSessions()
        turn()
    }

    // MARK: Global requests

    func ping() -> EventLoopFuture<Void> {
        ask { machine throws(ProtocolError) in try machine.ping() }.map { _ in }
    }

    /// The forward that the server granted, or nil when it refused.
    func requestForward(_ forward: RemoteForward) -> EventLoopFuture<RemoteForward?> {
        ask { machine throws(ProtocolError) in try machine.requestForward(forward) }
    }

    func cancelForward(_ forward: RemoteForward) -> EventLoopFuture<Void> {
        ask { machine throws(ProtocolError) in try machine.cancelForward(forward) }.map { _ in }
    }

    /// Requests beyond what may be unanswered at once wait for their turn.
    private func ask(
        _ send: @escaping (inout ConnectionMachine) throws(ProtocolError) -> RequestToken
    ) -> EventLoopFuture<RemoteForward?> {
        guard hasWire, endingError == nil else { return failed(SSHError(ProtocolError.streamEnded)) }
        let promise = eventLoop.makePromise(of: RemoteForward?.self)
        globalWishes.append(GlobalWish(send: send, promise: promise))
        sendWishes()
        return promise.futureResult
    }

    private func sendWishes() {
        while machine.takesGlobalRequest, let wish = globalWishes.popFirst() {
            do throws(ProtocolError) {
                globalRequests[try wish.send(&machine)] = wish.promise
            } catch {
                wish.promise.fail(endingError ?? SSHError(error))
            }
        }
        turn()
    }

    func finishGlobal(_ token: RequestToken, _ forward: RemoteForward?) {
        globalRequests.removeValue(forKey: token)?.succeed(forward)
        if !globalWishes.isEmpty { sendWishes() }
    }

    func answer(_ request: InboundGlobalRequest, success: Bool, port: UInt32? = nil) {
        machine.answer(request, success: success, port: port)
        turn()
    }

    // MARK: Opening

    /// Opens a channel; the owner is told nothing before the future succeeds.
    func open<Owner: ChannelOwner>(
        _ request: ChannelOpenRequest, name: String, make: (ChannelID) -> Owner
    ) -> EventLoopFuture<Void> {
        guard hasWire, endingError == nil else { return failed(SSHError(ProtocolError.streamEnded)) }
        let promise = eventLoop.makePromise(of: Void.self)
        do throws(ProtocolError) {
            let id = try machine.open(request)
            channels[id] = ChannelEntry(owner: make(id), opening: promise, name: name)
        } catch {
            promise.fail(endingError ?? (error.code == .limitExceeded ? .tooManyChannels : SSHError(error)))
        }
        turn()
        return promise.futureResult
    }

    /// Confirms a channel of the peer. `adopt` follows before anything else happens.
    func confirm(_ id: ChannelID) { machine.accept(id) }

    /// Hands a confirmed channel to its owner.
    func adopt(_ id: ChannelID, owner: any ChannelOwner) {
        guard endingError == nil else { return owner.channelClosed(endingError) }
        channels[id] = ChannelEntry(owner: owner, opening: nil, name: "")
        turn()
    }

    func refuse(_ id: ChannelID, _ reason: ChannelRefusal, _ words: String) {
        machine.refuse(id, reason: reason, description: words)
        turn()
    }

    // MARK: A channel's owner

    func request(_ request: SessionRequest, on id: ChannelID, name: String) -> EventLoopFuture<Void> {
        guard hasWire else { return failed(.channelClosed) }
        guard channels[id] != nil, let token = machine.request(request, on: id, wantsReply: true) else {
            return failed(endingError ?? .channelClosed)
        }
        let promise = eventLoop.makePromise(of: Void.self)
        channels[id]?.requests[token] = PendingRequest(promise: promise, name: name)
        turn()
        return promise.futureResult
    }

    func send(_ request: SessionRequest, on id: ChannelID) {
        _ = machine.request(request, on: id, wantsReply: false)
        turn()
    }

    func answer(_ request: InboundChannelRequest, success: Bool, on id: ChannelID) {
        machine.answer(request, success: success, on: id)
        turn()
    }

    func write(
        _ data: ByteBuffer, stream: SSHDataStream = .standardOutput, isUrgent: Bool = false, on id: ChannelID
    ) -> Bool {
        let taken = machine.write(data, stream: stream, on: id)
        if isUrgent { turnAtOnce() } else { turn() }
        return taken
    }

    func isWritable(_ id: ChannelID) -> Bool { machine.isWritable(id) }

    func takesInput(_ id: ChannelID) -> Bool { machine.takesInput(id) }

    func queuedBytes(_ id: ChannelID) -> Int { machine.queuedBytes(id) }

    func receiveWindow(_ id: ChannelID) -> Int { machine.receiveWindow(id) }

    func setInteractive(_ isInteractive: Bool, on id: ChannelID) {
        machine.setInteractive(isInteractive, on: id)
    }

    func sendEOF(on id: ChannelID) {
        machine.sendEOF(on: id)
        turn()
    }

    func sendEndOfWrite(on id: ChannelID) {
        machine.sendEndOfWrite(on: id)
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
        // A channel that was never confirmed has nobody who would be told.
        if let entry = channels[id], let opening = entry.opening {
            channels[id] = nil
            opening.fail(SSHError.channelClosed)
        }
        turn()
    }

    // MARK: Events

    func dispatch(_ event: SessionChannelEvent, of id: ChannelID) {
        switch event {
        case .opened:
            guard let promise = channels[id]?.opening else { return }
            channels[id]?.opening = nil
            promise.succeed()
        case .refused(let reason, let words):
            guard let entry = channels.removeValue(forKey: id) else { return }
            entry.opening?.fail(SSHError.channelRefused(reason, words, name: entry.name))
        case .answered(let token, let success):
            guard let request = channels[id]?.requests.removeValue(forKey: token) else { return }
            if success {
                request.promise.succeed()
            } else {
                request.promise.fail(SSHError.requestRefused(request.name))
            }
        case .closed:
            endChannel(id, because: nil, failure: .channelClosed)
        case .data, .exitStatus, .exitSignal, .endOfFile, .endOfWrite, .request, .writabilityChanged:
            guard let entry = channels[id], entry.opening == nil else { return }
            entry.owner.channelEvent(event)
        }
    }

    /// Ends every channel, opening or open, because the connection ended.
    func endChannels(_ error: SSHError?, _ failure: SSHError) {
        let waiting = Array(globalRequests.values) + globalWishes.map(\.promise)
        globalRequests = [:]
        globalWishes = []
        for promise in waiting { promise.fail(failure) }
        for id in channels.keys.sorted(by: { $0.number < $1.number }) {
            endChannel(id, because: error, failure: failure)
        }
    }

    private func endChannel(_ id: ChannelID, because error: SSHError?, failure: SSHError) {
        guard let entry = channels.removeValue(forKey: id) else { return }
        for request in entry.requests.values { request.promise.fail(failure) }
        if let opening = entry.opening {
            opening.fail(failure)
        } else {
            entry.owner.channelClosed(error)
        }
    }

    func failed<T: Sendable>(_ error: SSHError) -> EventLoopFuture<T> {
        eventLoop.makeFailedFuture(endingError ?? error)
    }
}
