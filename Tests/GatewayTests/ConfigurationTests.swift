import Testing

@testable import Gateway

@Suite("Configuration") struct ConfigurationTests {
    let surroundings = Configuration.Surroundings(home: "/home/ada", currentDirectory: "/work")

    func configuration(_ layers: ConfigurationLayer...) throws -> Configuration {
        try Configuration(layers: layers, surroundings: surroundings)
    }

    func file(_ entries: (key: String, values: [String])...) throws -> ConfigurationLayer {
        try ConfigurationLayer(file: "/etc/copilot/config.yaml", entries: entries)
    }

    @Test("without any layer the copilot is reached from this machine alone, by TLS, on port 8080")
    func defaults() throws {
        let configuration = try configuration()
        #expect(configuration.listen == "127.0.0.1")
        #expect(configuration.address() == "https://localhost:8080")
        #expect(configuration.data == "/home/ada/.local/share/copilot")
        #expect(configuration.rootKeyFile == "/home/ada/.config/copilot/root.key")
        #expect(configuration.acceptedNames == ["localhost", "127.0.0.1", "[::1]"])
    }

    @Test("the command line wins over the environment, and the environment over the file")
    func order() throws {
        let file = try file(("port", ["1"]), ("listen", ["127.0.0.2"]), ("log_level", ["debug"]))
        let environment = ConfigurationLayer(environment: ["COPILOT_PORT": "2", "COPILOT_LISTEN": "127.0.0.3"])
        let flags = ConfigurationLayer(.commandLine, values: [.port: ["3"]])
        let configuration = try configuration(file, environment, flags)
        #expect(configuration.port == 3)
        #expect(configuration.listen == "127.0.0.3")
        #expect(configuration.logLevel == "debug")
    }

    @Test("a data folder of one's own gets a keys folder of its own beside it, not inside it")
    func ownKeys() throws {
        let configuration = try configuration(ConfigurationLayer(.commandLine, values: [.data: ["/srv/copilot/"]]))
        #expect(configuration.keys == "/srv/copilot-keys")
        #expect(configuration.database == "/srv/copilot/copilot.sqlite")
    }

    @Test(
        "a relative path counts from the place it was written in",
        arguments: [("secrets/root", "/etc/copilot/secrets/root"), ("~/root", "/home/ada/root"), ("/root", "/root")])
    func paths(text: String, absolute: String) throws {
        #expect(try configuration(file(("root_key_file", [text]))).rootKeyFile == absolute)
    }

    @Test("a misspelt key is an error that names it and the keys that exist")
    func unknownKey() throws {
        let error = try #require(throws: ConfigurationError.self) { try file(("prot", ["8080"])) }
        #expect(error.key == "prot")
        #expect(error.description.contains("/etc/copilot/config.yaml"))
        #expect(error.hint.contains("port"))
    }

    @Test(
        "a value that cannot be is an error that names the key",
        arguments: [
            ("port", "eighty"), ("port", "65536"), ("port", "-1"), ("http", "maybe"), ("listen", "copilot.example"),
            ("names", "https://copilot.example"), ("names", "copilot.example:0"), ("names", "::1"),
            ("allowed_addresses", "169.254.0.1/16"), ("log_level", "loud"),
            ("db_url", "postgres://localhost/copilot"), ("db_url", "sqlite:"), ("tls_key", "/key.pem"),
        ])
    func invalid(key: String, value: String) throws {
        let layer = try file((key, [value]))
        let error = try #require(throws: ConfigurationError.self) { try configuration(layer) }
        #expect(error.key == key)
        #expect(error.description.contains("\(key) in /etc/copilot/config.yaml"))
        #expect(!error.hint.isEmpty)
    }

    @Test("plain HTTP is refused on an address that other machines reach")
    func httpBeyondLoopback() throws {
        let layer = try file(("http", ["true"]), ("listen", ["0.0.0.0"]))
        let error = try #require(throws: ConfigurationError.self) { try configuration(layer) }
        #expect(error.key == "http")
    }

    @Test("plain HTTP is served on any loopback address", arguments: ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
    func httpOnLoopback(address: String) throws {
        #expect(try configuration(file(("http", ["true"]), ("listen", [address]))).http)
    }

    @Test("the environment lists several names separated by commas")
    func environmentList() throws {
        let layer = ConfigurationLayer(environment: ["COPILOT_NAMES": "Copilot.example.net, 10.0.0.7"])
        let configuration = try configuration(layer)
        #expect(configuration.names == ["copilot.example.net", "10.0.0.7"])
        #expect(configuration.address() == "https://copilot.example.net:8080")
    }

    @Test("the address leaves out the port that the scheme implies")
    func defaultPort() throws {
        #expect(try configuration(file(("port", ["443"]))).address() == "https://localhost")
    }

    @Test("a name with a port of its own is what people are told")
    func nameWithPort() throws {
        let configuration = try configuration(file(("names", ["copilot.example.net:443", "[fd00::7]"])))
        #expect(configuration.address() == "https://copilot.example.net:443")
        #expect(configuration.acceptedNames.suffix(2) == ["copilot.example.net:443", "[fd00::7]"])
    }

    @Test("each key has an environment variable and a flag", arguments: ConfigurationKey.allCases)
    func spellings(key: ConfigurationKey) {
        #expect(key.environmentVariable == "COPILOT_" + key.rawValue.uppercased())
        #expect(key.flag.hasPrefix("--") && !key.flag.contains("_"))
    }
}

@Suite("AddressRange") struct AddressRangeTests {
    @Test(
        "an address lies in its range",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1"), ("0.0.0.0/0", "8.8.8.8"), ("fe80::/10", "febf::1"), ("::1", "::1"),
            ("169.254.0.0/16", "::ffff:169.254.169.254"),
        ])
    func contains(range: String, address: String) throws {
        #expect(try #require(AddressRange(range)).contains(#require(AddressRange(address))))
    }

    @Test(
        "an address beside the range does not",
        arguments: [("10.0.0.0/8", "11.0.0.0"), ("fe80::/10", "fec0::1"), ("10.0.0.0/8", "::1"), ("::/0", "10.0.0.1")])
    func excludes(range: String, address: String) throws {
        #expect(try !#require(AddressRange(range)).contains(#require(AddressRange(address))))
    }

    @Test(
        "text that is not a range is refused",
        arguments: ["", "10", "10.0.0.0/33", "10.0.0.1/8", "::/129", "10.0.0.0/-1", "10.0.0.0/", "example.net"])
    func refuses(text: String) {
        #expect(AddressRange(text) == nil)
    }
}
