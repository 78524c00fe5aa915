import Audit
import NIOConcurrencyHelpers
import NIOCore
import SSH
import Storage

/// A host that was lost: what a person granted still holds, so the agent's session connects again by itself. The terminal is a new
/// one with a recording of its own; nothing is ever run again.
extension AgentService {
    /// How long it is tried, and the pauses between.
    private static let patience: Duration = .seconds(10 * 60)
    private static let pauses: [Duration] = [.milliseconds(200), .seconds(1), .seconds(2), .seconds(4), .seconds(8)]

    /// - Returns: false when the agent's part is over with the host.
    func beginReconnecting(_ session: AgentSession) -> Bool {
        let isFirst = session.box.withLockedValue { state in
            guard state.ending == nil, !state.isReconnecting, state.grant.expires > clock() else { return false }
            state.isReconnecting = true
            state.waiting = nil
            return true
        }
        guard isFirst else { return session.state.isReconnecting }
        audit(.copilot, "session.reconnecting", session.id, session.live.origin.host.alias)
        board.tell(session.agent.id, "session.reconnecting", session: session.id)
        Task { await reconnect(session) }
        return true
    }

    private func reconnect(_ session: AgentSession) async {
        await session.channels.close()
        let hadKeyboard = await session.live.control(since: session.seat.controlSince).holder == "agent"
        let deadline = ContinuousClock.now + Self.patience
        var attempt = 0
        var failure: GatewayError?
        while session.state.ending == nil, session.grant.expires > clock(), ContinuousClock.now < deadline {
            try? await Task.sleep(for: Self.pauses[min(attempt, Self.pauses.count - 1)])
            guard !Task.isCancelled, session.state.ending == nil else { return }
            do throws(GatewayError) {
                try await tokens.check(session.agent)
                try await checkRights(of: session)
                try await reopen(session, withKeyboard: hadKeyboard)
                return
            } catch {
                failure = error
                if Self.isFinal(error) { break }
            }
            attempt += 1
        }
        let why = failure.map { "The host was lost, and could not be connected again: \($0.error)" }
        await dismiss(session, .closed("host_lost"), because: why ?? "The host was lost.")
    }

    /// Whether trying again would change nothing, or has to be decided by a person.
    private static func isFinal(_ error: GatewayError) -> Bool {
        ["authentication_failed", "host_key_refused"].contains(error.code) || (400..<500).contains(error.status)
    }

    private func reopen(_ session: AgentSession, withKeyboard: Bool) async throws(GatewayError) {
        let user = try await services.people.user(id: session.approver.userID)
        var caller = user.asCaller(tenant: services.tenant)
        caller.address = session.approver.address
        var start = Sessions.Request(hostID: session.hostID, columns: Self.columns, rows: Self.rows)
        start.startedBy = session.agent.person
        let opened = try await sessions.start(start, caller: caller)
        guard let live = sessions.live(opened.id), let connection = await live.connectionOfAgents else {
            throw .sessionEnded(opened.recordingId)
        }
        let before = session.place
        let lines = await before.live.text(from: .max).count
        let place = AgentSession.Place(
            live: live, seat: seat(of: session.id), channels: channels(at: session.hostID, beside: connection, caller),
            generation: before.generation + 1, bytesBefore: before.bytesBefore + (await before.live.outputEnd))
        let mode: SeatMode = session.grant.mode >= .supervised ? .control : .view
        session.move(to: place)
        do throws(GatewayError) {
            let seatID = try await live.admit(
                session.agent.caller(actingFor: caller), mode: mode, seat: place.seat, columns: Self.columns,
                rows: Self.rows, firstLine: lines)
            session.box.withLockedValue { state in
                state.seatID = seatID
                state.isReconnecting = false
                state.typed = TypedLine()
                state.emptyPrompt = nil
                state.commandsTold = 0
            }
            if mode == .control, withKeyboard, !session.state.isPaused { await live.handKeyboard(toAgent: seatID) }
        } catch {
            await live.end(SessionEnding(reason: .failed, detail: error.error))
            throw error
        }
        // The person may have ended the agent's part meanwhile.
        if session.state.ending != nil {
            await live.dismiss(agent: session.agent.id, because: "The agent's part was over.")
            return await live.end(SessionEnding(reason: .endedBy, detail: "The agent's part was over."))
        }
        audit(
            .copilot, "session.reconnected", session.id, live.origin.host.alias,
            ["agent": session.agent.name, "before": before.live.id])
        board.tell(session.agent.id, "session.reconnected", session: session.id)
        before.seat.changes.changed()
        for command in session.unfinished where command.state.isSent { attachSoon(command, session) }
    }
}
