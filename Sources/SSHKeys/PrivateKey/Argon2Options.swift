import CLibArgon2

/// What the passphrase of a PuTTY key of version 3 goes through: Argon2 (RFC 9106).
struct Argon2Options {
    private enum Flavour: String {
        case argon2d = "Argon2d"
        case argon2i = "Argon2i"
        case argon2id = "Argon2id"
    }

    /// puttygen takes 8 MiB and a tenth of a second. What a file may ask for is bounded: memory, and memory times passes.
    private static let maximumMemory = 256 * 1024
    private static let maximumWork = 16 * 1024 * 1024
    private static let maximumParallelism = 16

    private let flavour: Flavour
    /// KiB.
    private let memory: Int
    private let passes: Int
    private let parallelism: Int
    private let salt: [UInt8]

    init(_ fields: inout PuTTYPrivateKey.Fields) throws(SSHKeyError) {
        let name = try fields.value(of: "Key-Derivation")
        guard let flavour = Flavour(rawValue: name) else {
            throw .unsupported(
                "The passphrase function “\(Printable.text(name))” in PuTTY's key files", hint: Self.rewrite)
        }
        self.flavour = flavour
        memory = try fields.number(of: "Argon2-Memory")
        passes = try fields.number(of: "Argon2-Passes")
        parallelism = try fields.number(of: "Argon2-Parallelism")
        guard let salt = Hexadecimal.decode(try fields.value(of: "Argon2-Salt")), (8...1024).contains(salt.count) else {
            throw .malformed("the salt of a PuTTY key is no hexadecimal text of 8 bytes or more")
        }
        self.salt = salt
        guard (1...Self.maximumParallelism).contains(parallelism), memory >= 8 * parallelism, passes >= 1,
            memory <= Self.maximumMemory, passes <= Self.maximumWork / memory
        else {
            throw .unsupported(
                "A key file with \(memory) KiB, \(passes) passes and \(parallelism) threads of Argon2",
                hint: Self.rewrite)
        }
    }

    private static let rewrite = "Write it anew with: puttygen KEY.ppk -O private -o NEW.ppk"

    func derive(_ passphrase: [UInt8], length: Int) throws(SSHKeyError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: length)
        let (time, memory, lanes) = (UInt32(passes), UInt32(memory), UInt32(parallelism))
        let count = passphrase.count
        let code =
            switch flavour {
            case .argon2d:
                argon2d_hash_raw(time, memory, lanes, passphrase, count, salt, salt.count, &output, length)
            case .argon2i:
                argon2i_hash_raw(time, memory, lanes, passphrase, count, salt, salt.count, &output, length)
            case .argon2id:
                argon2id_hash_raw(time, memory, lanes, passphrase, count, salt, salt.count, &output, length)
            }
        guard code == ARGON2_OK.rawValue else {
            throw .internalFailure("A passphrase could not be turned into a key.")
        }
        return output
    }
}
