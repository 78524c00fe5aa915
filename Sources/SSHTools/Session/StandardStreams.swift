// `-W`: standard input and output joined to a connection that the host makes.

import NIOCore
import SSH
import SSHProtocol

/// Loop-bound.
package final class StandardStreams: SSHChannelDelegate {
    private let finished: EventLoopPromise<Void>
    private var channel: SSHChannel?
    private var input: (any LocalInput)?
    private var output: (any LocalOutput)?
    private var waitsForRoom = false
    private var isOver = false

    package init(finished: EventLoopPromise<Void>) { self.finished = finished }

    /// On the loop.
    ///
    /// - Parameters:
    ///   - areReceived: The descriptors are another process's, see `ReceivedDescriptors`.
    ///   - open: Opens the channel, whose owner is given.
    ///   - opened: Told when the host has connected.
    package func start(
        input: Int32, output: Int32, areReceived: Bool = false, on eventLoop: any EventLoop,
        open: (any SSHChannelDelegate) -> EventLoopFuture<SSHChannel>, opened: @escaping () -> Void = {}
    ) {
        let sink = LocalStreams.output(output, on: eventLoop, isReceived: areReceived)
        open(self).assumeIsolated().whenComplete { result in
            switch result {
            case .failure(let error):
                sink.whenSuccess { $0.close {} }
                self.finish(error)
            case .success(let channel):
                guard !self.isOver else {
                    sink.whenSuccess { $0.close {} }
                    return channel.abort()
                }
                self.channel = channel
                opened()
                sink.whenComplete { result in
                    guard case .success(let output) = result, !self.isOver else {
                        if case .success(let output) = result { output.close {} }
                        return channel.abort()
                    }
                    self.output = output
                    self.open(input, areReceived, on: eventLoop)
                }
            }
        }
    }

    private func open(_ descriptor: Int32, _ isReceived: Bool, on eventLoop: any EventLoop) {
        let events = InputEvents(
            received: { [weak self] bytes in
                self?.channel?.write(bytes)
                self?.readOn()
            },
            ended: { [weak self] in
                self?.input = nil
                self?.channel?.sendEOF()
            })
        LocalStreams.input(descriptor, on: eventLoop, isReceived: isReceived, events).whenComplete { result in
            guard case .success(let input) = result, !self.isOver else {
                if case .success(let input) = result { input.close() }
                return
            }
            self.input = input
            self.readOn()
        }
    }

    private func readOn() {
        guard let channel, let input else { return }
        waitsForRoom = !channel.isWritable
        if !waitsForRoom { input.read() }
    }

    package func channel(_ channel: SSHChannel, received data: ByteBuffer) {
        let count = data.readableBytes
        guard let output else { return channel.consumed(count) }
        output.write(data) { isTaken in
            channel.consumed(count)
            if !isTaken { channel.close() }
        }
    }

    package func channel(_ channel: SSHChannel, writabilityChanged isWritable: Bool) {
        if isWritable, waitsForRoom { readOn() }
    }

    /// Whoever waits for the end of our output sees it, as far as a descriptor can show it; both ways end together.
    package func channelEndOfFile(_ channel: SSHChannel) { channel.close() }

    package func channel(_ channel: SSHChannel, closed error: SSHError?) {
        self.channel = nil
        finish(error)
    }

    package func end() {
        channel?.abort()
        output?.abandon()
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
