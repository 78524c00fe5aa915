import Audit
import Storage

/// Teams at sessions: invited as a whole, with the members that they have now.
extension Sessions {
    /// Invites a team, or changes what it may do. Each member has never more than their own permission on the host.
    public func share(_ id: String, teamID: String, mode: SeatMode, caller: Caller) async throws(GatewayError)
        -> SessionView
    {
        let session = try await sharable(id, caller)
        let team = try await team(teamID)
        await services.record(
            event(session, caller, "session.share", ["team": team.name, "mode": mode.rawValue]))
        let share = TeamShare(
            teamID: team.id, name: team.name, mode: mode, members: Set(team.members.map(\.id)))
        await session.share(withTeams: session.teams.filter { $0.teamID != teamID } + [share])
        return await session.view()
    }

    /// Takes a team's invitation back.
    public func unshare(_ id: String, teamID: String, caller: Caller) async throws(GatewayError) -> SessionView {
        let session = try await sharable(id, caller)
        guard let team = await session.teams.first(where: { $0.teamID == teamID }) else { throw .notFound("team") }
        await services.record(event(session, caller, "session.unshare", ["team": team.name]))
        await session.share(withTeams: session.teams.filter { $0.teamID != teamID })
        return await session.view()
    }

    private func team(_ id: String) async throws(GatewayError) -> Team {
        let records = TeamStore(tenant: services.tenant)
        do { return try await services.store.read { tx in try records.find(id, in: tx) } } catch {
            throw (error as? GatewayError) ?? GatewayError(storage: error)
        }
    }

    /// Members came and went: every session that has a team looks again.
    func teamsChanged() async {
        var invited: [LiveSession] = []
        for session in all where await !session.teams.isEmpty { invited.append(session) }
        guard !invited.isEmpty else { return }
        let records = TeamStore(tenant: services.tenant)
        guard let teams = try? await services.store.read({ tx in try records.all(in: tx) }) else { return }
        let known = Dictionary(teams.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        for session in invited {
            let before = await session.teams
            let now = before.compactMap { share in
                known[share.teamID].map {
                    TeamShare(teamID: $0.id, name: $0.name, mode: share.mode, members: Set($0.members.map(\.id)))
                }
            }
            if now != before { await session.share(withTeams: now) }
        }
    }
}
