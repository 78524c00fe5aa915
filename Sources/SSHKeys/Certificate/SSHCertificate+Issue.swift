import SSHCrypto

extension SSHCertificate {
    /// Makes a certificate.
    ///
    ///     let contents = CertificateContents(
    ///         publicKey: key, type: .user, keyID: "ada@laptop", principals: ["ada"],
    ///         validBefore: now + 3600, extensions: .allPermissions)
    ///     let certificate = try SSHCertificate.issue(contents, signedBy: authority)
    ///
    /// - Parameters:
    ///   - contents: what it says.
    ///   - authority: the key that vouches for it.
    ///   - algorithm: one of the authority's ``SSHPublicKey/signatureAlgorithms``; nil for the best.
    ///
    /// Throws `certificatePrincipal` without names, with an empty one, or with a pattern in a user certificate: they
    /// would be good for nobody. Throws `malformed` for a validity that ends before it begins.
    public static func issue(
        _ contents: CertificateContents, signedBy authority: SSHPrivateKey, algorithm: String? = nil
    ) throws(SSHKeyError) -> SSHCertificate {
        let key = authority.publicKey
        guard let algorithm = algorithm ?? key.signatureAlgorithms.first else {
            throw .internalFailure("A key has no signature algorithm.")
        }
        return try issue(contents, signatureKey: key) { data throws(SSHKeyError) in
            try authority.sign(data, algorithm: algorithm)
        }
    }

    /// Makes a certificate whose authority signs elsewhere, in an agent or a token.
    ///
    /// - Parameters:
    ///   - contents: what it says.
    ///   - signatureKey: the authority, which vouches for it.
    ///   - sign: gives a whole signature blob of `signatureKey` over the bytes.
    public static func issue(
        _ contents: CertificateContents, signatureKey: SSHPublicKey,
        sign: ([UInt8]) throws(SSHKeyError) -> [UInt8]
    ) throws(SSHKeyError) -> SSHCertificate {
        try checkIssuable(contents)
        try contents.publicKey.validate()
        var writer = WireWriter(capacity: 1024)
        writer.writeString(certificateAlgorithm(for: contents.publicKey.algorithm))
        writer.writeString(randomBytes(32))
        contents.write(into: &writer)
        writer.writeString([])
        writer.writeString(signatureKey.blob)
        writer.writeString(try sign(writer.bytes))
        return try SSHCertificate(wire: writer.bytes)
    }

    private static func checkIssuable(_ contents: CertificateContents) throws(SSHKeyError) {
        let names = contents.principals
        guard !names.isEmpty, !names.contains(""), names.count <= CertificateContents.maximumPrincipals else {
            throw .refused(
                .certificatePrincipal,
                "A certificate needs 1 to \(CertificateContents.maximumPrincipals) names, none of them empty.")
        }
        guard names.allSatisfy({ $0.utf8.allSatisfy { $0 != 0 && $0 != UInt8(ascii: ",") } }) else {
            // OpenSSH's own lists of names are separated by commas: "a,b" would be read as two names somewhere.
            throw .refused(.certificatePrincipal, "A name in a certificate holds a comma or a zero byte.")
        }
        if contents.type == .user, names.contains(where: { $0.contains("*") || $0.contains("?") }) {
            throw .refused(.certificatePrincipal, "A user certificate cannot name users by a pattern.")
        }
        guard contents.validAfter < contents.validBefore else {
            throw .malformed("a certificate's validity ends before it begins")
        }
    }
}
