extension SSHPrivateKey {
    /// The largest file that is looked at, in bytes. An RSA key of 8,192 bits needs less than 7,000.
    public static let maximumFileLength = 64 * 1024

    /// Reads a private key file.
    ///
    /// Formats: OpenSSH's own ("BEGIN OPENSSH PRIVATE KEY"; encrypted with AES-CTR, AES-CBC or AES-GCM and bcrypt),
    /// PKCS#1 ("BEGIN RSA PRIVATE KEY"), SEC 1 ("BEGIN EC PRIVATE KEY"), both also with the old "DEK-Info" encryption
    /// by AES, and PKCS#8 ("BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY" with PBES2, PBKDF2 or
    /// scrypt, and AES-CBC), and PuTTY's (PPK 2 and 3).
    ///
    /// - Parameters:
    ///   - file: the file's content.
    ///   - passphrase: nil or empty if there is none. It is ignored where the file is not encrypted.
    ///
    /// Throws `passphraseRequired`, `wrongPassphrase`, `notAPrivateKey`, `malformed`, `unsupported`. bcrypt takes
    /// milliseconds for each round: keep it off event loops.
    public init(file: [UInt8], passphrase: [UInt8]? = nil) throws(SSHKeyError) {
        let passphrase = passphrase.flatMap { $0.isEmpty ? nil : $0 }
        guard !PuTTYPrivateKey.isOne(file) else {
            self = try PuTTYPrivateKey(file: file).open(passphrase: passphrase)
            return
        }
        let block = try PEMBlock(file: file)
        switch block.label {
        case "OPENSSH PRIVATE KEY":
            self = try OpenSSHPrivateKey.read(block.content, passphrase: passphrase)
        case "RSA PRIVATE KEY":
            let der = try LegacyPEMEncryption.open(block, passphrase: passphrase)
            self = try ASN1PrivateKey.pkcs1(der.bytes, wasEncrypted: der.wasEncrypted)
        case "EC PRIVATE KEY":
            let der = try LegacyPEMEncryption.open(block, passphrase: passphrase)
            self = try ASN1PrivateKey.sec1(der.bytes, curve: nil, wasEncrypted: der.wasEncrypted)
        case "PRIVATE KEY":
            self = try ASN1PrivateKey.pkcs8(block.content, wasEncrypted: false)
        case "ENCRYPTED PRIVATE KEY":
            guard let passphrase else { throw .passphraseRequired }
            let der = try PBES2.open(block.content, passphrase: passphrase)
            self = try ASN1PrivateKey.pkcs8(der, wasEncrypted: true)
        case "DSA PRIVATE KEY":
            throw .unsupported("A DSA key")
        default:
            throw .notAPrivateKey("a PEM file with “\(Printable.text(block.label))”")
        }
    }

    /// Reads a private key file that is there as text.
    public init(text: String, passphrase: [UInt8]? = nil) throws(SSHKeyError) {
        try self.init(file: Array(text.utf8), passphrase: passphrase)
    }
}
