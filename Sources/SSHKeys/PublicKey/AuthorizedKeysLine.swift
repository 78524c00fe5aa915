extension SSHPublicKey {
    /// Reads a line "type base64 [comment]", as a `.pub` file holds it.
    ///
    /// A line with options (`restrict ssh-ed25519 …`) is refused: to read the key and forget its restrictions would be
    /// worse than to read nothing.
    ///
    /// Throws `malformed` if the type before the blob is not the type in it.
    public init(authorizedKeysLine line: String) throws(SSHKeyError) {
        let fields = line.split(maxSplits: 2) { $0 == " " || $0 == "\t" || $0.isNewline }
        guard fields.count >= 2 else { throw .malformed("a public key line needs a type and a base64 text") }
        let type = String(fields[0])
        guard Self.knownTypes.contains(type) else {
            throw .unsupported(
                "A public key line that begins with “\(Printable.text(type))”",
                hint: "Give the line of a .pub file: the key's type, the base64 text, a comment; no options before it.")
        }
        guard let blob = Base64.decode(fields[1]) else { throw .malformed("the base64 of a public key is incomplete") }
        let key = try SSHPublicKey(wire: blob)
        guard key.algorithm == type else {
            throw .malformed("a public key line says \(type) and holds a key of type \(key.algorithm)")
        }
        self = key
    }

    /// The line for an `authorized_keys` file, without a line feed: "type base64 comment".
    ///
    /// Control characters in the comment become question marks, so that it stays one line.
    public func authorizedKeysLine(comment: String = "") -> String {
        PublicKeyLine.text(algorithm, blob, comment)
    }

    static let knownTypes =
        ["ssh-ed25519", "ssh-rsa", skEd25519Type, skECDSAType] + ECDSACurve.allCases.map(\.algorithm)
}
