import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SSH
import Testing

@testable import Shim

/// A shim over servers of ours, and its owner's key.
struct ShimOfTest: Sendable {
    let shim: Shim
    let ownerKey = SSHPrivateKey.generateEd25519()
    let events: NIOLockedValueBox<[ShimEvent]>
    private let hostKey: SSHPublicKey

    init(
        _ sources: [ShimUpstreamSource], doors: [String?] = [nil], folder: String? = nil,
        _ change: (inout ShimConfiguration) -> Void = { _ in }
    ) async throws {
        let hostKey = SSHPrivateKey.generateEd25519()
        let events = NIOLockedValueBox<[ShimEvent]>([])
        let keys = OwnerKeys(ownKeys: [ownerKey.publicKey], folder: folder, agentSocket: nil)
        var configuration = ShimConfiguration(
            upstreams: sources.map { source in
                ShimUpstream(name: source.name, title: source.name) { try await source.connect($0) }
            },
            doors: doors.map { ShimDoor(.tcp(host: "127.0.0.1", port: 0), admits: .owner(keys), upstream: $0) },
            hostKeys: [hostKey])
        configuration.limits.backOff = BackOff(delays: [.milliseconds(50)])
        configuration.observe = { event in events.withLockedValue { $0.append(event) } }
        change(&configuration)
        self.hostKey = hostKey.publicKey
        self.events = events
        shim = try await Shim.start(configuration)
    }

    func port(_ door: Int = 0) -> Int { shim.doors[door].port ?? 0 }

    /// A client of the shim, as its owner or with another key.
    func connect(
        as username: String = "anybody", key: SSHPrivateKey? = nil, door: Int = 0
    ) async throws -> SSHConnection {
        let hostKey = hostKey
        var configuration = SSHClientConfiguration(
            username: username, credentials: [.privateKey(key ?? ownerKey)]
        ) { $0.publicKey == hostKey ? .accept : .refuse(reason: "not the shim") }
        configuration.maximumChannels = 600
        return try await SSHClient.connect(
            to: SSHEndpoint(host: "127.0.0.1", port: port(door)), configuration: configuration,
            on: MultiThreadedEventLoopGroup.singleton.any())
    }

    func count(_ isCounted: (ShimEvent) -> Bool) -> Int { events.withLockedValue { $0.count(where: isCounted) } }
}

/// Asks again and again until it is true, at most `seconds` long.
func eventually(within seconds: Double = 20, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return try await condition()
}

extension CommandResult {
    var text: String { String(decoding: standardOutput, as: UTF8.self) }
    var errors: String { String(decoding: standardError, as: UTF8.self) }
}
