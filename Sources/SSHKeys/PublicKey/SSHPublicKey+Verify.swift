extension SSHPublicKey {
    /// Whether `signature` is this key's over `data`.
    ///
    /// - Parameters:
    ///   - blob: a whole signature blob: a string with the algorithm, a string with the signature (RFC 4253 §6.6).
    ///   - data: what was signed.
    ///   - algorithm: the one that was agreed on; the blob must name it too.
    ///   - allowingLegacy: also accept ``legacySignatureAlgorithms``, where a configuration names one.
    /// - Returns: false if the signature is well made and another's, and for a FIDO key also if nobody touched it: who
    ///   may go without a touch asks ``verifyDetailed(signature:over:algorithm:allowingLegacy:)``.
    ///
    /// Throws `algorithmMismatch` if the blob, the key and `algorithm` do not belong together, `malformed` if the
    /// signature breaks its format (RFC 5656 §3.1.2, RFC 8332 §3, RFC 8709 §6, OpenSSH's PROTOCOL.u2f).
    public func verify(
        signature blob: [UInt8], over data: [UInt8], algorithm: String, allowingLegacy: Bool = false
    ) throws(SSHKeyError) -> Bool {
        let details = try verifyDetailed(
            signature: blob, over: data, algorithm: algorithm, allowingLegacy: allowingLegacy)
        guard let details else { return false }
        return !isHardwareKey || details.userPresent
    }

    /// The same check, which leaves it to the caller whether a touch or a PIN is needed.
    ///
    /// - Returns: nil if the signature is not this key's over `data`. Throws as
    ///   ``verify(signature:over:algorithm:allowingLegacy:)`` does.
    public func verifyDetailed(
        signature blob: [UInt8], over data: [UInt8], algorithm: String, allowingLegacy: Bool = false
    ) throws(SSHKeyError) -> SignatureDetails? {
        guard
            signatureAlgorithms.contains(algorithm)
                || (allowingLegacy && legacySignatureAlgorithms.contains(algorithm))
        else {
            throw .algorithmMismatch("A key of type \(self.algorithm) cannot sign with \(Printable.text(algorithm)).")
        }
        var reader = WireReader(blob)
        let named = try reader.utf8String()
        guard named == algorithm else {
            throw .algorithmMismatch(
                "A signature was made with \(Printable.text(named)) where \(algorithm) was agreed on.")
        }
        let verification = SignatureVerification(key: self, algorithm: algorithm)
        let signature = try reader.string()
        // PROTOCOL.u2f: the token's flags and counter follow, outside of the signature's own string.
        if isHardwareKey {
            let flags = try reader.uint8()
            let counter = try reader.uint32()
            try reader.expectEnd(of: "a signature")
            guard try verification.isValid(signature, over: data, flags: flags, counter: counter) else { return nil }
            return SignatureDetails(
                userPresent: flags & 0x01 != 0, userVerified: flags & 0x04 != 0, counter: counter)
        }
        try reader.expectEnd(of: "a signature")
        return try verification.isValid(signature, over: data) ? .software : nil
    }
}
