import Gateway
import NIOConcurrencyHelpers
import NIOCore
import SSH

/// Something of a visit that goes on: a session channel, a tunnel. Loop-bound.
protocol VisitActivity: AnyObject {
    /// The person's rights changed: end what is not permitted any more.
    func reauthorise()
    /// The person is out.
    func revoke(_ sentence: String)
}

/// One connection of a person who was let in: who it is, where it leads, and what goes on in it.
final class Visit: Sendable {
    let connection: SSHServerConnection
    let destination: LoginName.Destination
    private let state: NIOLockedValueBox<State>
    private let ofLoop: NIOLoopBoundBox<VisitLoop?>

    private struct State {
        var caller: Caller
        var wasAgentRefused = false
    }

    init(_ connection: SSHServerConnection, caller: Caller, destination: LoginName.Destination) {
        self.connection = connection
        self.destination = destination
        state = NIOLockedValueBox(State(caller: caller))
        ofLoop = .makeEmptyBox(valueType: VisitLoop.self, eventLoop: connection.eventLoop)
    }

    /// Who it is, with the role that the person has now.
    var caller: Caller { state.withLockedValue { $0.caller } }

    func change(role: String) { state.withLockedValue { $0.caller = $0.caller.with(role: role) } }

    /// The client wanted to lend its agent.
    func noteAgentRefused() { state.withLockedValue { $0.wasAgentRefused = true } }

    /// Whether that is still to be told.
    func takeAgentRefused() -> Bool {
        state.withLockedValue { state in
            defer { state.wasAgentRefused = false }
            return state.wasAgentRefused
        }
    }

    // MARK: On the loop

    /// What belongs to the connection's loop.
    var loop: VisitLoop {
        if let known = ofLoop.value { return known }
        let made = VisitLoop(connection.eventLoop)
        ofLoop.value = made
        return made
    }

    /// Looks again at everything that goes on.
    func reauthorise() {
        connection.eventLoop.execute { for activity in self.loop.all { activity.reauthorise() } }
    }

    /// Ends the visit with a sentence to whoever is there.
    func end(_ sentence: String) {
        let eventLoop = connection.eventLoop
        eventLoop.execute {
            for activity in self.loop.all { activity.revoke(sentence) }
            // Time for the sentence to leave.
            eventLoop.scheduleTask(in: .milliseconds(100)) { self.connection.close() }
        }
    }
}

/// The part of a visit that lives on its connection's loop. Loop-bound.
final class VisitLoop {
    let links: HostLinks
    private var activities: [ObjectIdentifier: any VisitActivity] = [:]

    init(_ eventLoop: any EventLoop) { links = HostLinks(eventLoop) }

    var all: [any VisitActivity] { Array(activities.values) }

    func enter(_ activity: any VisitActivity) { activities[ObjectIdentifier(activity)] = activity }

    func leave(_ activity: any VisitActivity) { activities[ObjectIdentifier(activity)] = nil }
}
