import Gateway
import HTTPTypes
import Hummingbird

/// `/api/hosts`: the list, the wizard's probe, and each host.
struct HostRoutes: Sendable {
    private struct ProbeBody: Decodable {
        let address: String
        let port: Int
    }
    private struct NewHostBody: Decodable {
        let alias: String
        let address: String
        let port: Int
        let username: String
        let environment: HostEnvironment?
        let purpose: String?
        let tags: [String]?
        let probeId: String
        let credential: NewCredentialBody

        var host: NewHost {
            NewHost(
                alias: alias, address: address, port: port, username: username, environment: environment ?? .other,
                purpose: purpose ?? "", tags: tags ?? [], probeID: probeId, credential: credential.credential)
        }
    }
    private struct HostChangeBody: Decodable {
        let alias: String?
        let username: String?
        let environment: HostEnvironment?
        let purpose: String?
        let tags: [String]?
        let credential: NewCredentialBody?

        var change: HostChange {
            HostChange(
                alias: alias, username: username, environment: environment, purpose: purpose, tags: tags,
                credential: credential?.credential)
        }
    }
    private struct FingerprintBody: Decodable {
        let fingerprint: String
    }

    let hosts: Hosts
    let sessions: Sessions

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/hosts") { _, caller in
            try JSONAnswer.response(HostsAnswer(hosts: try await hosts.hosts(caller).map(withSessions)))
        }
        routes.signedIn(.post, "/api/hosts") { call, caller in
            let added = try await hosts.add(try call.body(NewHostBody.self).host, caller: caller)
            return try answer(added.host, added.authorizedKeysLine, status: .created)
        }
        routes.signedIn(.post, "/api/hosts/probe") { call, caller in
            let body = try call.body(ProbeBody.self)
            let probe = try await hosts.probe(address: body.address, port: body.port, caller: caller)
            return try JSONAnswer.response(probe)
        }
        routes.signedIn(.get, "/api/hosts/:id") { call, caller in
            let host = try await hosts.host(call.parameter("id"), caller: caller)
            // A credential that can't be opened is told where it is used; the host is shown all the same.
            return try answer(host, try? await hosts.authorizedKeysLine(host.id, caller: caller))
        }
        routes.signedIn(.patch, "/api/hosts/:id") { call, caller in
            let change = try call.body(HostChangeBody.self).change
            let changed = try await hosts.update(call.parameter("id"), change, caller: caller)
            return try answer(changed.host, changed.authorizedKeysLine)
        }
        routes.signedIn(.delete, "/api/hosts/:id") { call, caller in try await remove(call, caller) }
        for (method, isFavourite) in [(HTTPRequest.Method.put, true), (.delete, false)] {
            routes.signedIn(method, "/api/hosts/:id/favourite") { call, caller in
                try answer(try await hosts.setFavourite(call.parameter("id"), isFavourite, caller: caller))
            }
        }
        routes.signedIn(.post, "/api/hosts/:id/test") { call, caller in
            try JSONAnswer.response(try await hosts.test(call.parameter("id"), caller: caller))
        }
        routes.signedIn(.post, "/api/hosts/:id/host-key") { call, caller in
            let body = try call.body(FingerprintBody.self)
            let host = try await hosts.acceptHostKey(
                call.parameter("id"), fingerprint: body.fingerprint, caller: caller)
            return try answer(host)
        }
    }

    private func remove(_ call: Call, _ caller: Caller) async throws -> Response {
        let host = try await hosts.host(call.parameter("id"), caller: caller)
        guard sessions.count(hostID: host.id) == 0 else {
            throw GatewayError.conflict(
                "host_in_use", "A session is live on \(host.alias).", hint: "End its sessions first.")
        }
        try await hosts.remove(host.id, caller: caller)
        return JSONAnswer.noContent
    }

    private func answer(
        _ host: HostView, _ line: String? = nil, status: HTTPResponse.Status = .ok
    ) throws -> Response {
        try JSONAnswer.response(HostAnswer(host: withSessions(host), authorizedKeysLine: line), status: status)
    }

    private func withSessions(_ host: HostView) -> HostView {
        var host = host
        host.activeSessions = sessions.count(hostID: host.id)
        return host
    }
}
