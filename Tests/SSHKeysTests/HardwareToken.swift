import Crypto
import Foundation
import SSHKeys
import Testing

/// A FIDO token in software: it makes the signatures that OpenSSH's PROTOCOL.u2f describes.
struct HardwareToken {
    let key: SSHPrivateKey
    let publicKey: SSHPublicKey
    static let application = "ssh:"

    static func ed25519() throws -> HardwareToken {
        let key = SSHPrivateKey.generateEd25519()
        guard case .ed25519(let bytes) = key.publicKey else { throw CancellationError() }
        return HardwareToken(key: key, publicKey: .skEd25519(key: bytes, application: application))
    }

    static func ecdsa() throws -> HardwareToken {
        let key = try SSHPrivateKey.generate(.ecdsa(.p256))
        guard case .ecdsa(_, let point) = key.publicKey else { throw CancellationError() }
        return HardwareToken(key: key, publicKey: .skECDSA(point: point, application: application))
    }

    /// - Parameter flags: 1 touched, 4 verified.
    func sign(_ data: [UInt8], flags: UInt8 = 1, counter: UInt32 = 7) throws -> [UInt8] {
        var signed = WireWriter()
        signed.writeRaw(SHA256.hash(data: Array(Self.application.utf8)))
        signed.writeUInt8(flags)
        signed.writeUInt32(counter)
        signed.writeRaw(SHA256.hash(data: data))
        let plain = try key.sign(signed.bytes, algorithm: key.publicKey.algorithm)
        var reader = WireReader(plain)
        _ = try reader.string()
        var writer = WireWriter()
        writer.writeString(publicKey.algorithm)
        writer.writeString(try reader.string())
        writer.writeUInt8(flags)
        writer.writeUInt32(counter)
        return writer.bytes
    }
}
