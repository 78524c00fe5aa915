import Foundation
import SSHCrypto

/// What the `openssl` program of this machine says about the primitives of a cipher, in the same run.
struct LibcryptoSpeed {
    private var known: [String: Double] = [:]

    /// MB/s that the primitives of a cipher and MAC would have one after the other on blocks of `size` bytes; nil where
    /// `openssl` is not installed or does not know one.
    mutating func megabytes(_ cipher: CipherName, _ mac: MACName?, size: Int) -> Double? {
        var seconds = 0.0
        for arguments in Self.primitives(cipher, mac) {
            guard let speed = measured(arguments, size: size) else { return nil }
            seconds += 1 / speed
        }
        return seconds > 0 ? 1 / seconds : nil
    }

    private static func primitives(_ cipher: CipherName, _ mac: MACName?) -> [[String]] {
        let name =
            switch cipher {
            case .aes128GCM: "aes-128-gcm"
            case .aes256GCM: "aes-256-gcm"
            case .chacha20Poly1305: "chacha20-poly1305"
            case .aes128CTR: "aes-128-ctr"
            case .aes192CTR: "aes-192-ctr"
            case .aes256CTR: "aes-256-ctr"
            case .aes128CBC: "aes-128-cbc"
            case .aes192CBC: "aes-192-cbc"
            case .aes256CBC: "aes-256-cbc"
            case .tripleDESCBC: "des-ede3-cbc"
            }
        guard let mac else { return [["-evp", name]] }
        let hash =
            switch mac {
            case .hmacSHA256, .hmacSHA256EtM: "sha256"
            case .hmacSHA512, .hmacSHA512EtM: "sha512"
            case .hmacSHA1, .hmacSHA1EtM: "sha1"
            }
        return [["-evp", name], ["-hmac", hash]]
    }

    private mutating func measured(_ arguments: [String], size: Int) -> Double? {
        let key = (arguments + [String(size)]).joined(separator: " ")
        if let speed = known[key] { return speed }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "speed", "-mr", "-seconds", "1", "-bytes", String(size)] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // "+F:22:AES-256-GCM:4577591300.00": bytes a second of CPU time.
        guard let line = output.split(separator: "\n").last(where: { $0.hasPrefix("+F:") || $0.hasPrefix("+H:") }),
            let bytes = line.split(separator: ":").last.flatMap({ Double($0) }), bytes > 0
        else { return nil }
        known[key] = bytes / 1e6
        return bytes / 1e6
    }
}
