public import NIOCore
public import SSHProtocol

/// A channel that the peer wants to open, to be accepted or refused once, when it suits: nobody else waits for it.
///
/// It may be taken anywhere; the loop-bound forms say so.
public struct SSHIncomingChannel: Sendable {
    /// What it is for. Everything in it is the peer's word.
    public let request: ChannelOpenRequest
    /// The loop of its connection.
    public var eventLoop: any EventLoop { driver.eventLoop }

    let id: ChannelID
    let driver: NIOLoopBound<ConnectionDriver>
    let keeper: SSHConnection?

    /// Accepts, on the event loop. `make` is given the channel, which may be written to at once, and returns its owner.
    @discardableResult
    public func accept<Delegate: SSHChannelDelegate>(_ make: (SSHChannel) -> Delegate) -> SSHChannel {
        let channel = SSHChannel(request, id: id, driver: driver, keeper: keeper)
        driver.value.confirm(id)
        driver.value.adopt(id, owner: RawChannelOwner(channel, make(channel)))
        return channel
    }

    /// Accepts from anywhere and brings the channel as a stream.
    public func acceptStream() async throws(SSHError) -> SSHChannelStream {
        let box = ChannelMailbox(on: eventLoop)
        let incoming = self
        do {
            let channel = try await eventLoop.submit { incoming.accept { box.attach($0) } }.get()
            return SSHChannelStream(channel, box)
        } catch {
            throw SSHError(any: error)
        }
    }

    /// Refuses, from anywhere.
    ///
    /// - Parameters:
    ///   - reason: For programs.
    ///   - description: Words for people, which the peer sees.
    public func refuse(_ reason: ChannelRefusal = .administrativelyProhibited, _ description: String = "") {
        let incoming = self
        if eventLoop.inEventLoop {
            driver.value.refuse(id, reason, description)
        } else {
            eventLoop.execute { incoming.driver.value.refuse(incoming.id, reason, description) }
        }
    }
}
