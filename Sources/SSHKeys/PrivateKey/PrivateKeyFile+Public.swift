extension SSHPrivateKey {
    /// The public key that a private key file shows without its passphrase, or nil where the file has none in clear.
    ///
    /// OpenSSH's own format and PuTTY's have it; in the others it is encrypted with the rest. It is a claim of the file
    /// until the private part is opened, which compares the two.
    public static func publicKey(inFile file: [UInt8]) -> SSHPublicKey? {
        if PuTTYPrivateKey.isOne(file) { return (try? PuTTYPrivateKey(file: file))?.publicKey }
        guard let block = try? PEMBlock(file: file), block.label == "OPENSSH PRIVATE KEY" else { return nil }
        return OpenSSHPrivateKey.publicKey(block.content)
    }
}
