import Foundation
import NIOCore
import NIOPosix
public import SSH
public import SSHKeys
import SSHProtocol

/// Reads the host keys of many hosts at once, as far as the key exchange and no further: ssh-keyscan's part.
///
/// The keys are what the network says. Somebody in between could show others: compare fingerprints before trusting them.
public struct KeyScan: Sendable {
    /// A host to ask, and the names under which its keys are written down.
    public struct Target: Sendable, Hashable {
        public var endpoint: SSHEndpoint
        public var names: [String]

        public init(endpoint: SSHEndpoint, names: [String]) {
            self.endpoint = endpoint
            self.names = names
        }
    }

    /// The kinds of keys that a host may have.
    public enum KeyType: String, Sendable, CaseIterable {
        case ed25519, ecdsa, rsa

        var algorithms: [HostKeyAlgorithm] {
            switch self {
            case .ed25519: [.ed25519]
            case .ecdsa: [.ecdsaP256, .ecdsaP384, .ecdsaP521]
            // A host that can only sign with SHA-1 still has a key to be compared with.
            case .rsa: [.rsaSHA512, .rsaSHA256, .rsaSHA1]
            }
        }
    }

    /// What one host answered.
    public struct Finding: Sendable {
        public let target: Target
        public let keys: [SSHPublicKey]
        /// "SSH-2.0-OpenSSH_9.2p1"; nil when it did not answer.
        public let server: String?
        /// Why it showed no key, or not all of them.
        public let failure: SSHError?

        /// Lines for known_hosts, one for each name and key.
        public func lines(isHashed: Bool) -> [String] {
            target.names.flatMap { name in
                keys.compactMap {
                    try? KnownHosts.line(host: name, port: target.endpoint.port, key: $0, isHashed: isHashed)
                }
            }
        }
    }

    public var types: [KeyType]
    /// For each connection.
    public var timeout: Duration
    /// Hosts at once.
    public var width = 32

    public init(types: [KeyType] = KeyType.allCases, timeout: Duration = .seconds(5)) {
        self.types = types
        self.timeout = timeout
    }

    /// Asks every host; `found` is called for each as it is done.
    public func run(_ targets: [Target], found: @Sendable (Int, Finding) async -> Void) async {
        await withTaskGroup(of: (Int, Finding).self) { group in
            var waiting = targets.enumerated().makeIterator()
            func addNext() {
                guard let (index, target) = waiting.next() else { return }
                group.addTask { (index, await scan(target)) }
            }
            for _ in 0..<max(1, width) { addNext() }
            while let (index, finding) = await group.next() {
                addNext()
                await found(index, finding)
            }
        }
    }

    /// One connection for each type: a host shows one key in each key exchange.
    private func scan(_ target: Target) async -> Finding {
        var keys: [SSHPublicKey] = []
        var server: String?
        var failure: SSHError?
        for type in types {
            var algorithms = AlgorithmPreferences.standard
            algorithms.hostKeys = type.algorithms
            do throws(SSHError) {
                let report = try await SSHClient.readHostKey(
                    of: target.endpoint, algorithms: algorithms, timeout: timeout,
                    on: MultiThreadedEventLoopGroup.singleton.any())
                server = report.serverIdentification
                if !keys.contains(report.publicKey) { keys.append(report.publicKey) }
            } catch {
                // It has no key of that type; it may have others.
                if error.code == .noCommonAlgorithm { continue }
                failure = error
                break
            }
        }
        return Finding(target: target, keys: keys, server: server, failure: failure)
    }
}

extension KeyScan.Target {
    /// "web-1", "web-1:2222", "[2001:db8::1]:2222", "2001:db8::1"; the port of `port` where none is written.
    public init(_ text: String, port: Int) throws(Failure) {
        let colons = text.count { $0 == ":" }
        let parsed: (host: String, port: Int)
        if text.hasPrefix("[") {
            let isPortWritten = text.contains("]:")
            parsed = try HostKeyLines.parse(text)
            self.init(host: parsed.host, port: isPortWritten ? parsed.port : port)
        } else if colons == 1, let colon = text.firstIndex(of: ":") {
            parsed = try HostKeyLines.parse("[\(text[..<colon])]:\(text[text.index(after: colon)...])")
            self.init(host: parsed.host, port: parsed.port)
        } else {
            self.init(host: text, port: port)
        }
        guard !endpoint.host.isEmpty, endpoint.host.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Failure("“\(text)” is no host.", hint: "Write it as web-1, web-1:2222 or [2001:db8::1]:2222.")
        }
    }

    private init(host: String, port: Int) {
        self.init(endpoint: SSHEndpoint(host: host, port: port), names: [host])
    }

    /// A list of hosts, one in each line: "ADDRESS[,ADDRESS…] [NAME,NAME…]", as ssh-keyscan reads them.
    public static func list(_ text: String, port: Int) throws(Failure) -> [KeyScan.Target] {
        var targets: [KeyScan.Target] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
            guard let addresses = fields.first else { continue }
            for address in addresses.split(separator: ",") {
                var target = try KeyScan.Target(String(address), port: port)
                if fields.count > 1 { target.names = fields[1].split(separator: ",").map(String.init) }
                targets.append(target)
            }
        }
        return targets
    }
}
