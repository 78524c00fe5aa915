import Foundation
import SSH

/// Choices of algorithms that together hold every value which both ends have.
enum CoveringSet {
    /// The long form tries whatever takes minutes.
    static let isLong = ProcessInfo.processInfo.environment["COPILOT_LONG_TESTS"] != nil

    private static func common(_ theirs: [String], _ ours: [String]) -> [String] { ours.filter(theirs.contains) }

    /// Each cipher that needs a MAC with one MAC in turn, every MAC with some cipher, and the ciphers that need none.
    private static func protections(_ features: Peer.Features) -> [(cipher: String, mac: String)] {
        let macs = common(features.macs, MACName.allCases.map(\.rawValue))
        let ciphers = CipherName.allCases.filter { features.ciphers.contains($0.rawValue) }
        let mixed = ciphers.filter { !$0.isAEAD }.map(\.rawValue)
        guard let anyMAC = macs.first else { return [] }
        let whole = ciphers.filter(\.isAEAD).map { ($0.rawValue, anyMAC) }
        guard !mixed.isEmpty else { return whole }
        if isLong { return whole + mixed.flatMap { cipher in macs.map { (cipher, $0) } } }
        return whole
            + (0..<max(mixed.count, macs.count)).map { (mixed[$0 % mixed.count], macs[$0 % macs.count]) }
    }

    /// The rows for a peer. In the long form every method meets every cipher with every MAC.
    static func rows(_ features: Peer.Features, serving: Bool) -> [Algorithms] {
        let hostKeyNames = HostKeyAlgorithm.keys.map(\.rawValue)
        let methods = common(
            features.kex,
            KeyExchangeMethod.allCases.filter { !serving || $0 != .dhGroupExchangeSHA1 }.map(\.rawValue))
        let hostKeys = common(features.hostKeys, hostKeyNames)
        let userKeys = common(features.userKeys, hostKeyNames)
        let protections = protections(features)
        guard !methods.isEmpty, !hostKeys.isEmpty, !userKeys.isEmpty, !protections.isEmpty else { return [] }
        func row(_ index: Int, _ shift: Int) -> Algorithms {
            let protection = protections[(index + shift) % protections.count]
            return Algorithms(
                kex: methods[index % methods.count], cipher: protection.cipher, mac: protection.mac,
                hostKey: hostKeys[(index + shift) % hostKeys.count],
                userKey: userKeys[(index + shift * 2) % userKeys.count])
        }
        guard !isLong else {
            return methods.indices.flatMap { index in protections.indices.map { row(index, $0) } }
        }
        return (0..<max(methods.count, protections.count, hostKeys.count, userKeys.count)).map { row($0, 0) }
    }
}

/// Runs something for every value, a few at once: these tests are programs that wait for each other.
func forEach<Value: Sendable>(
    _ values: [Value], width: Int = 3, _ body: @escaping @Sendable (Value) async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        var rest = values[...]
        for _ in 0..<width {
            guard let value = rest.popFirst() else { break }
            group.addTask { try await body(value) }
        }
        while try await group.next() != nil {
            guard let value = rest.popFirst() else { continue }
            group.addTask { try await body(value) }
        }
    }
}
