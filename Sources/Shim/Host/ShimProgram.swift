// `copilot shim` from its options to its end.

import Foundation
import NIOConcurrencyHelpers
import NIOPosix
import SSH
public import SSHTools

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A shim for the person who starts it: hosts by ssh_config, doors on this machine, and lines that say what happens.
public struct ShimProgram: Sendable {
    /// One host, and what it is called.
    public struct Host: Sendable {
        public var name: String
        public var request: ConnectionRequest
        public var proof: HostUpstream.Proof
        /// A local port that leads there under any user name.
        public var port: Int?

        public init(name: String, request: ConnectionRequest, proof: HostUpstream.Proof, port: Int?) {
            self.name = name
            self.request = request
            self.proof = proof
            self.port = port
        }

        /// "NAME=[USER@]HOST", with ",PORT" after it or not.
        public struct Text: Sendable, Hashable {
            public let name: String
            public let destination: String
            public let port: Int?

            public init?(_ text: String) {
                guard let equals = text.firstIndex(of: "=") else { return nil }
                name = String(text[..<equals])
                var rest = text[text.index(after: equals)...]
                if let comma = rest.lastIndex(of: ",") {
                    guard let port = Int(rest[rest.index(after: comma)...]), (0...65535).contains(port) else {
                        return nil
                    }
                    self.port = port
                    rest = rest[..<comma]
                } else {
                    port = nil
                }
                destination = String(rest)
                guard ShimConfiguration.isName(name), !destination.isEmpty else { return nil }
            }
        }
    }

    /// Where clients of this machine come in.
    public struct Place: Sendable {
        public var address: String
        public var port: Int
        public var socket: String?
        public var rsaKey: String?
        public var ed25519Key: String?
        public var allowsAnyLocalUser: Bool
        public var maximumConnections: Int

        public init(
            address: String, port: Int, socket: String?, rsaKey: String?, ed25519Key: String?, allowsAnyLocalUser: Bool,
            maximumConnections: Int
        ) {
            self.address = address
            self.port = port
            self.socket = socket
            self.rsaKey = rsaKey
            self.ed25519Key = ed25519Key
            self.allowsAnyLocalUser = allowsAnyLocalUser
            self.maximumConnections = maximumConnections
        }
    }

    private let hosts: [Host]
    private let place: Place
    private let isJSON: Bool
    private let readyDescriptor: Int32?
    private let waitsForHost: Bool
    private let folder: ShimFolder
    private let keys: OwnerKeys
    private let hostKeys: [SSHPrivateKey]
    private let agentSocket: String?
    private let hasDisplay: Bool

    /// Reads or makes the keys.
    ///
    /// - Parameters:
    ///   - isJSON: Status lines are objects.
    ///   - readyDescriptor: Told when the shim may be used.
    ///   - waitsForHost: A first attempt that fails is not the end.
    public init(
        _ hosts: [Host], _ place: Place, isJSON: Bool, readyDescriptor: Int32?, waitsForHost: Bool,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        self.hosts = hosts
        self.place = place
        agentSocket = environment["SSH_AUTH_SOCK"].flatMap { $0.isEmpty ? nil : $0 }
        hasDisplay = environment["DISPLAY"].map { !$0.isEmpty } ?? false
        self.isJSON = isJSON
        self.readyDescriptor = readyDescriptor
        self.waitsForHost = waitsForHost
        let home = environment["HOME"] ?? NSHomeDirectory()
        folder = ShimFolder(environment: environment, home: home)
        do throws(ShimError) {
            let userKey = try folder.userKey()
            keys = OwnerKeys(
                ownKeys: [userKey.publicKey], folder: home + "/.ssh", agentSocket: environment["SSH_AUTH_SOCK"])
            hostKeys = try Self.hostKeys(place, folder, keys)
            try folder.writeKnownHosts(hostKeys.map(\.publicKey), alias: ShimSnippet.hostKeyAlias)
        } catch {
            throw Failure(error.description, hint: error.hint)
        }
    }

    private static func hostKeys(
        _ place: Place, _ folder: ShimFolder, _ keys: OwnerKeys
    ) throws(ShimError) -> [SSHPrivateKey] {
        var hostKeys: [SSHPrivateKey] = []
        let comment = "copilot shim, host key"
        if let path = place.ed25519Key {
            hostKeys.append(try ShimFolder.key(at: path, kind: .ed25519, comment: comment))
        }
        if let path = place.rsaKey {
            hostKeys.append(try ShimFolder.key(at: path, kind: .rsa(bits: 3072), comment: comment))
        }
        if hostKeys.isEmpty { hostKeys.append(try folder.hostKey()) }
        for key in hostKeys where keys.isInFolder(key.publicKey) {
            throw ShimError(
                .wrongKey, "The key \(key.publicKey.fingerprint) is your own login key, and no host key.",
                hint: "Leave the option out: a host key is made for the shim.")
        }
        return hostKeys
    }

    /// The blocks for ssh_config.
    public func printSnippet() throws(Failure) {
        for (index, host) in hosts.enumerated() {
            guard host.port ?? place.port != 0 else {
                throw Failure("A free port is known only when the shim runs.", hint: "Give --local-port a number.")
            }
            if index > 0 { PersonTerminal.print() }
            for line in snippet(host).lines { PersonTerminal.print(line) }
        }
    }

    private func snippet(_ host: Host) -> ShimSnippet {
        ShimSnippet(
            host: host.name + ".shim", address: place.address, port: host.port ?? place.port,
            user: hosts.count > 1 && host.port == nil ? host.name : nil,
            identityFile: place.allowsAnyLocalUser ? nil : folder.userKeyPath, knownHostsFile: folder.knownHostsPath,
            controlPath: folder.controlPath(
                host: host.name, address: place.address, port: host.port ?? place.port))
    }

    // MARK: Running

    /// Listens, and begins to connect.
    public func start() async throws -> RunningShim {
        let admits: ShimDoor.Admission = place.allowsAnyLocalUser ? .anyLocalUser : .owner(keys)
        var doors: [ShimDoor] = []
        if hosts.contains(where: { $0.port == nil }) {
            doors.append(ShimDoor(.tcp(host: place.address, port: place.port), admits: admits))
        }
        for host in hosts {
            guard let port = host.port else { continue }
            doors.append(ShimDoor(.tcp(host: place.address, port: port), admits: admits, upstream: host.name))
        }
        if let path = place.socket {
            try UnixSocketPlace.prepare(path)
            doors.append(ShimDoor(.unix(path: path), admits: .folderOwner))
        }
        warn()
        let questions = TerminalQuestions()
        var configuration = ShimConfiguration(
            upstreams: hosts.map {
                HostUpstream($0.request, proof: $0.proof, backend: StandaloneBackend(), questions: questions)
                    .upstream(named: $0.name)
            }, doors: doors, hostKeys: hostKeys)
        configuration.limits.maximumConnections = place.maximumConnections
        let isJSON = isJSON
        configuration.observe = { Self.say(ShimStatus($0), isJSON) }
        ReceivedDescriptors.allowMany()
        do throws(ShimError) {
            let running = RunningShim(try await Shim.start(configuration), socket: place.socket)
            await openControls(running)
            return running
        } catch {
            throw Failure(error.description, hint: error.hint)
        }
    }

    /// Each host with the port that leads to it, which is known when the shim listens.
    private func ports(_ doors: [SSHForwardEndpoint]) -> [(host: Host, port: Int)] {
        let isShared = hosts.contains { $0.port == nil }
        var own = doors.dropFirst(isShared ? 1 : 0).makeIterator()
        return hosts.compactMap { host in
            let door = host.port == nil ? doors.first : own.next()
            return door?.port.map { (host, $0) }
        }
    }

    /// A control socket beside each port, for OpenSSH's clients. One that cannot be made costs them time, and nothing else.
    private func openControls(_ running: RunningShim) async {
        do throws(ShimError) {
            try folder.prepareForSockets()
            for (host, port) in ports(running.doors) {
                let path = folder.controlPath(host: host.name, address: place.address, port: port)
                guard let path else { continue }
                var control = ShimControl(path: path, upstream: host.name)
                control.agentSocket = agentSocket
                if hasDisplay { control.display = { await Self.display(host.request) } }
                if hosts.count == 1 { control.terminate = { [weak running] in running?.end() } }
                try await running.listen(on: control)
            }
        } catch {
            PersonTerminal.error("copilot: \(error.description) \(error.hint)")
        }
    }

    /// The display of this process, and the cookie for a host that ssh_config trusts with it, or does not.
    private static func display(_ request: ConnectionRequest) async -> X11Display? {
        guard let configuration = try? await StandaloneBackend().resolve(request) else { return nil }
        return try? await NIOThreadPool.singleton.runIfActive {
            try DisplayCookie.find(configuration, ConnectionLog(.quiet))
        }
    }

    /// Waits for the hosts, and says how to use them.
    ///
    /// - Throws: Why the host cannot be reached, of several none.
    public func announce(_ running: RunningShim) async throws(Failure) {
        guard let failures = await running.firstAttempt() else { return }
        let first = failures.lazy.compactMap { $0 }.first
        if let first, failures.allSatisfy({ $0 != nil }), !waitsForHost || failures.allSatisfy({ $0?.isFinal == true })
        {
            throw Failure(first.description, hint: first.hint)
        }
        announce(running.doors)
    }

    private func warn() {
        if place.allowsAnyLocalUser {
            PersonTerminal.error(
                "copilot: every account and every program of this machine can now use your connection "
                    + "(--allow-any-local-user).")
        }
        if !ShimConfiguration.isLoopback(place.address) {
            PersonTerminal.error(
                "copilot: listening on \(place.address): whoever reaches it and has one of your keys uses your connection."
            )
        }
    }

    private func announce(_ places: [SSHForwardEndpoint]) {
        if isJSON {
            Self.print([
                "event": .text("ready"), "listening": .text(places.map(\.description).joined(separator: " ")),
                "identity": .text(folder.userKeyPath), "known_hosts": .text(folder.knownHostsPath),
                "control": .text(
                    ports(places).compactMap {
                        folder.controlPath(host: $0.host.name, address: place.address, port: $0.port)
                    }.joined(separator: " ")),
            ])
        } else {
            for (door, host) in zip(places, doorsHosts()) {
                PersonTerminal.print("Ready. Use it with:  \(Self.usage(door, host, self))")
            }
        }
        guard let readyDescriptor else { return }
        PersonTerminal.write(
            Array(places.map { $0.description + "\n" }.joined().utf8), to: readyDescriptor)
        if readyDescriptor > 2 { close(readyDescriptor) }
    }

    /// What each door leads to, in the order of the doors.
    private func doorsHosts() -> [String?] {
        let names = hosts.filter { $0.port == nil }.map(\.name)
        let main: [String?] = names.isEmpty ? [] : [hosts.count > 1 ? names.joined(separator: "|") : nil]
        return main + hosts.filter { $0.port != nil }.map { _ in nil } + [nil]
    }

    private static func usage(_ door: SSHForwardEndpoint, _ user: String?, _ program: ShimProgram) -> String {
        let key = program.place.allowsAnyLocalUser ? "" : "-i \(program.folder.userKeyPath) "
        let name = user.map { "\($0)@" } ?? ""
        switch door {
        case .tcp(let host, let port): return "ssh \(key)-p \(port) \(name)\(host)"
        case .unix(let path): return "ssh -o ProxyCommand='copilot shim --dial \(path)' \(name)shim"
        }
    }

    // MARK: Lines

    private static func say(_ status: ShimStatus, _ isJSON: Bool) {
        if isJSON { return print(status.fields) }
        PersonTerminal.error(status.line.split(separator: "\n").first.map(String.init) ?? "")
        for line in status.line.split(separator: "\n").dropFirst() { PersonTerminal.error(String(line)) }
    }

    private static func print(_ fields: [String: ShimStatus.Value]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(fields) else { return }
        PersonTerminal.write([UInt8](line) + [UInt8(ascii: "\n")])
    }
}
