import NIOConcurrencyHelpers
import NIOCore

/// The connections that are open now: what the caps count, and what a stop has to end.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var countByAddress: [String: Int] = [:]
        var isStopping = false
    }

    private let state = NIOLockedValueBox(State())
    private let limits: WebLimits

    init(limits: WebLimits) {
        self.limits = limits
    }

    /// Counts a connection until it closes. False: it is one too many, and the caller closes it.
    func admit(_ channel: any Channel) -> Bool {
        let address = channel.remoteAddress?.ipAddress ?? ""
        let identity = ObjectIdentifier(channel)
        let isAdmitted = state.withLockedValue { state -> Bool in
            let count = state.countByAddress[address, default: 0]
            guard
                !state.isStopping, state.channels.count < limits.connections,
                count < limits.connectionsFromOneAddress
            else { return false }
            state.channels[identity] = channel
            state.countByAddress[address] = count + 1
            return true
        }
        guard isAdmitted else { return false }
        channel.closeFuture.whenComplete { [state] _ in
            state.withLockedValue { state in
                state.channels[identity] = nil
                let count = state.countByAddress[address, default: 1] - 1
                state.countByAddress[address] = count > 0 ? count : nil
            }
        }
        return true
    }

    var count: Int { state.withLockedValue { $0.channels.count } }

    /// Asks every connection to end what it does, and closes those that did not in time.
    func stop() {
        let channels = state.withLockedValue { state -> [any Channel] in
            state.isStopping = true
            return Array(state.channels.values)
        }
        for channel in channels {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
            let deadline = channel.eventLoop.scheduleTask(in: limits.stopTime) { channel.close(promise: nil) }
            channel.closeFuture.whenComplete { _ in deadline.cancel() }
        }
    }
}
