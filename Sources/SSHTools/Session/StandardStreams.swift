// `-W`: standard input and output joined to a connection that the host makes.

import NIOCore
import SSH
import SSHProtocol

/// Loop-bound.
final class StandardStreams: SSHChannelDelegate {
    private let finished: EventLoopPromise<Void>
    private var channel: SSHChannel?
    private var input: (any LocalInput)?
    private var output: (any LocalOutput)?
    private var waitsForRoom = false
    private var isOver = false

    init(finished: EventLoopPromise<Void>) { self.finished = finished }

    /// On the loop.
    func start(_ request: ChannelOpenRequest, on connection: SSHConnection, input: Int32, output: Int32) {
        let eventLoop = connection.eventLoop
        let sink = LocalStreams.output(output, on: eventLoop)
        connection.makeChannel(request, delegate: self).assumeIsolated().whenComplete { result in
            switch result {
            case .failure(let error): self.finish(error)
            case .success(let channel):
                self.channel = channel
                sink.whenSuccess {
                    self.output = $0
                    self.open(input, on: eventLoop)
                }
            }
        }
    }

    private func open(_ descriptor: Int32, on eventLoop: any EventLoop) {
        let events = InputEvents(
            received: { [weak self] bytes in
                self?.channel?.write(bytes)
                self?.readOn()
            },
            ended: { [weak self] in
                self?.input = nil
                self?.channel?.sendEOF()
            })
        LocalStreams.input(descriptor, on: eventLoop, events).whenComplete { result in
            guard case .success(let input) = result, !self.isOver else { return }
            self.input = input
            self.readOn()
        }
    }

    private func readOn() {
        guard let channel, let input else { return }
        waitsForRoom = !channel.isWritable
        if !waitsForRoom { input.read() }
    }

    func channel(_ channel: SSHChannel, received data: ByteBuffer) {
        let count = data.readableBytes
        guard let output else { return channel.consumed(count) }
        output.write(data) { isTaken in
            channel.consumed(count)
            if !isTaken { channel.close() }
        }
    }

    func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) {
        if isWritable, waitsForRoom { readOn() }
    }

    /// Whoever waits for the end of our output sees it, as far as a descriptor can show it; both ways end together.
    func channelEndOfFile(_ channel: SSHChannel) { channel.close() }

    func channel(_ channel: SSHChannel, closed error: SSHError?) {
        self.channel = nil
        finish(error)
    }

    func end() {
        channel?.abort()
        finish(nil)
    }

    private func finish(_ error: (any Error)?) {
        guard !isOver else { return }
        isOver = true
        input?.close()
        input = nil
        let complete = { if let error { self.finished.fail(error) } else { self.finished.succeed() } }
        guard let output else { return complete() }
        output.close(complete)
    }
}
