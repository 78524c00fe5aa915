import Foundation
import SSHKeys
import Testing

/// A certificate authority of ssh-keygen's making, and certificates that it signs.
struct Authority {
    let bench: Workbench

    /// Makes the authority `ca` and a user's key `key`.
    init(_ kind: KeyKind = .ed25519, key: KeyKind = .ed25519) async throws {
        bench = try Workbench()
        try await bench.keygen(kind, "ca")
        try await bench.keygen(key, "key")
    }

    /// `ssh-keygen -s ca -I id … key.pub`, read with our code.
    func sign(_ arguments: [String], key: String = "key") async throws -> SSHCertificate {
        try await bench.require("ssh-keygen", ["-q", "-s", "ca", "-I", "id"] + arguments + [key + ".pub"])
        return try Self.certificate(try bench.text(key + "-cert.pub"))
    }

    static func certificate(_ line: String) throws -> SSHCertificate {
        try #require(try PublicKeyFile(file: Array(line.utf8)).identity.certificate)
    }

    func privateKey(_ name: String = "ca") throws -> SSHPrivateKey { try SSHPrivateKey(file: try bench.read(name)) }
}

/// What a check threw; nil if it passed.
func refusal(_ body: () async throws -> Void) async -> SSHKeyError? {
    do {
        try await body()
        return nil
    } catch { return error as? SSHKeyError }
}

/// The same of a check that does not wait.
func refusal(_ body: () throws -> Void) -> SSHKeyError? {
    do {
        try body()
        return nil
    } catch { return error as? SSHKeyError }
}

/// Seconds since 1970.
var now: UInt64 { UInt64(Date().timeIntervalSince1970) }
