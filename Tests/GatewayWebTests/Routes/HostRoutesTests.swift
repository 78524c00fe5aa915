import Testing

@testable import GatewayWeb

@Suite(.timeLimit(.minutes(2)))
struct HostRoutesTests {
    @Test("a host is probed, confirmed, added, listed, tested, changed and removed")
    func wizard() async throws {
        try await HostServer.run { host in
            try await GatewayServer.run { server in
                let admin = try await server.admin()
                let probe = try await admin.json(
                    "POST", "/api/hosts/probe", #"{"address": "127.0.0.1", "port": \#(host.port)}"#)
                #expect(probe["hostKey.algorithm"] == .string("ssh-ed25519"))
                #expect(probe["hostKey.fingerprint"]?.text?.hasPrefix("SHA256:") == true)
                let id = try await admin.addHost(host, alias: "web-prod")
                let listed = try await admin.json("GET", "/api/hosts")
                #expect(listed["hosts.0.id"] == .string(id))
                #expect(listed["hosts.0.hostKey.fingerprint"] == probe["hostKey.fingerprint"])
                #expect(listed["hosts.0.credential.kind"] == .string("key"))
                let test = try await admin.json("POST", "/api/hosts/\(id)/test")
                #expect(test["ok"] == .bool(true), "\(test)")
                let changed = try await admin.json(
                    "PATCH", "/api/hosts/\(id)", #"{"alias": "web-1", "tags": ["gpu", "web"]}"#)
                #expect(changed["host.alias"] == .string("web-1"))
                let one = try await admin.json("GET", "/api/hosts/\(id)")
                #expect(one["host.tags"] == .array([.string("gpu"), .string("web")]))
                #expect(one["authorizedKeysLine"]?.text?.hasPrefix("ssh-ed25519 ") == true)
                let removed = try await admin.call("DELETE", "/api/hosts/\(id)")
                #expect(removed.status == 204)
                let gone = try await admin.call("GET", "/api/hosts/\(id)")
                #expect(gone.status == 404)
            }
        }
    }

    @Test("what stands in the way of a new host is said, with its own code")
    func errors() async throws {
        try await HostServer.run { host in
            try await GatewayServer.run { server in
                let admin = try await server.admin()
                let probe = try await admin.json(
                    "POST", "/api/hosts/probe", #"{"address": "127.0.0.1", "port": \#(host.port)}"#)
                let start = """
                    {"alias": "a", "address": "127.0.0.1", "port": \(host.port), "username": "x",
                     "probeId": "\(probe["probeId"]?.text ?? "")", "credential":
                    """
                for (credential, status, code, field) in [
                    (#"{"kind": "key", "privateKey": "no key"}"#, 422, "not_a_private_key", nil),
                    (#"{"kind": "password"}"#, 422, "invalid", "credential.password"),
                    (#"{"kind": "magic"}"#, 422, "invalid", "credential.kind"),
                ] as [(String, Int, String, String?)] {
                    let response = try await admin.call("POST", "/api/hosts", start + credential + "}")
                    #expect(response.status == status && response.code == code, "\(response.body)")
                    if let field { #expect(response.json["field"] as? String == field) }
                }
                let expired = try await admin.call(
                    "POST", "/api/hosts",
                    """
                    {"alias": "a", "address": "127.0.0.1", "port": \(host.port), "username": "x", "probeId": "prb_none",
                     "credential": {"kind": "generated"}}
                    """)
                #expect(expired.code == "probe_expired")
            }
        }
    }

    @Test(
        "an address where nothing can be probed is an error of the host, or of the rules",
        arguments: [("127.0.0.1", 1, 502), ("169.254.169.254", 22, 422), ("host.invalid", 22, 502)])
    func unreachable(address: String, port: Int, status: Int) async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let response = try await admin.call(
                "POST", "/api/hosts/probe", #"{"address": "\#(address)", "port": \#(port)}"#)
            #expect(
                response.status == status || (status == 422 && response.code == "address_not_allowed"),
                "\(response.body)")
            #expect(response.code != "internal")
        }
    }

    @Test("a guest may not probe")
    func guest() async throws {
        try await GatewayServer.run { server in
            let admin = try await server.admin()
            let guest = try await server.person("grace", role: "guest", by: admin)
            let response = try await guest.call(
                "POST", "/api/hosts/probe", #"{"address": "127.0.0.1", "port": 22}"#)
            #expect(response.status == 403 && response.json["missing"] as? String == "host.probe")
        }
    }

    @Test("a changed host key stops a session with both keys shown, and is accepted only by its fingerprint")
    func changedKey() async throws {
        try await HostServer.run { host in
            try await GatewayServer.run { server in
                let admin = try await server.admin()
                let id = try await admin.addHost(host, alias: "web-prod")
                try await host.changeHostKey()
                let session = #"{"hostId": "\#(id)", "columns": 80, "rows": 24}"#
                let refused = try await admin.call("POST", "/api/sessions", session)
                let body = try JSONValue(refused.body)
                #expect(refused.code == "host_key_changed")
                let offered = try #require(body["offered.fingerprint"]?.text)
                #expect(body["recorded.fingerprint"]?.text?.hasPrefix("SHA256:") == true)
                let alert = try await admin.json("GET", "/api/hosts/\(id)")
                #expect(alert["host.keyAlert.offeredFingerprint"] == .string(offered))
                let wrong = try await admin.call(
                    "POST", "/api/hosts/\(id)/host-key", #"{"fingerprint": "SHA256:wrong"}"#)
                #expect(wrong.status == 409)
                let accepted = try await admin.json(
                    "POST", "/api/hosts/\(id)/host-key", #"{"fingerprint": "\#(offered)"}"#)
                #expect(accepted["host.keyAlert"] == .null)
            }
        }
    }
}
