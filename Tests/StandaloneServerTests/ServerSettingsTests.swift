import Testing

@testable import StandaloneServer

struct ServerSettingsTests {
    private func settings(_ given: KeyValuePairs<String, [String]>) throws -> ServerSettings {
        var settings = ServerSettings()
        for (name, values) in given { try settings.apply(name, values) }
        return settings
    }

    @Test("Without a word it listens on 0.0.0.0 port 2222 for private networks")
    func defaults() throws {
        let settings = ServerSettings()
        #expect(settings.port == 2222 && settings.listenAddresses == ["0.0.0.0"])
        #expect(try settings.wall.reach == .privateNetworks)
        try settings.check(isRoot: true)
    }

    @Test("Loopback alone is listened on and let in when that is asked for")
    func localhost() throws {
        let settings = try settings(["localhost-only": ["true"]])
        #expect(settings.listenAddresses == ["127.0.0.1"])
        #expect(try settings.wall.reach == .loopback)
    }

    @Test("Being permissive lifts the network wall and nothing else")
    func permissive() throws {
        let settings = try settings(["permissive": ["true"]])
        #expect(try settings.wall.reach == .everywhere)
        #expect(!settings.insecureNoAuthentication && settings.userMap.isEmpty)
    }

    @Test("Settings that contradict each other are refused")
    func contradictions() throws {
        for other in ["permissive": ["true"], "allow-network": ["10.0.0.0/8"]] {
            let both = try settings(["localhost-only": ["true"]]).with(other.key, other.value)
            #expect(throws: StandaloneServerError.self) { try both.check(isRoot: false) }
        }
        let twice = try settings(["app": ["a=x", "a=y"]])
        #expect(throws: StandaloneServerError.self) { try twice.check(isRoot: false) }
    }

    @Test("No authentication at all is only for loopback, and never for root")
    func noAuthentication() throws {
        let open = try settings(["insecure-no-auth": ["true"]])
        #expect(throws: StandaloneServerError.self) { try open.check(isRoot: false) }
        let local = try open.with("localhost-only", ["true"])
        try local.check(isRoot: false)
        #expect(throws: StandaloneServerError.self) { try local.check(isRoot: true) }
    }

    @Test(
        "Nonsense is refused",
        arguments: [
            ("port", ["65536"]), ("port", ["x"]), ("port", []), ("port", ["1", "2"]), ("permissive", ["maybe"]),
            ("device-id", [""]), ("log", ["xml"]), ("app", ["name"]), ("app", ["=x"]), ("app", ["x="]),
            ("user-map", ["x"]), ("colour", ["blue"]),
        ])
    func nonsense(name: String, values: [String]) {
        #expect(throws: StandaloneServerError.self) { try settings([:]).with(name, values) }
    }

    @Test("A flag of a file may be turned off again")
    func flags() throws {
        #expect(try settings(["quiet": ["yes"]]).isQuiet)
        #expect(try !settings(["quiet": ["yes"]]).with("quiet", ["no"]).isQuiet)
    }

    @Test("An application's program may hold equal signs")
    func application() throws {
        let application = try ServerSettings.Application("a=b=c d")
        #expect(application.name == "a" && application.program == "b=c d")
    }
}

extension ServerSettings {
    fileprivate func with(_ name: String, _ values: [String]) throws -> ServerSettings {
        var settings = self
        try settings.apply(name, values)
        return settings
    }
}
