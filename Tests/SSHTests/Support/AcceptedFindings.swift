/// What ssh-audit has against the profile `standard`, and why it is offered all the same. Anything else that it finds
/// fails a test, and so does a line here that it does not find any more.
enum AcceptedFindings {
    struct Line: Sendable {
        var algorithms: [String]
        var level: String
        var says: String
        /// Who would be shut out.
        var because: String
    }

    private static let nistCurves = ["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"]
    private static let primeGroups = [
        "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
    ]
    private static let suspected =
        "using elliptic curves that are suspected as being backdoored by the U.S. National Security Agency"

    static let both = [
        Line(
            algorithms: ["curve25519-sha256", "curve25519-sha256@libssh.org"] + nistCurves + primeGroups,
            level: "warn", says: "does not provide protection against post-quantum attacks",
            because:
                "OpenSSH before 9.0, Dropbear, PuTTY before 0.78, libssh before 0.12 and Go know no hybrid or only "
                + "some; the hybrids stand first, so that whoever has one uses it"),
        Line(
            algorithms: nistCurves, level: "fail", says: suspected,
            because: "peers in FIPS mode and network gear have nothing else; nobody has shown a weakness, and X25519 "
                + "stands first"),
        Line(
            algorithms: ["diffie-hellman-group14-sha256"], level: "warn",
            says: "2048-bit modulus only provides 112-bits of symmetric strength",
            because:
                "RFC 9142 asks for it of everybody; old Dropbear and network gear have nothing better; it stands last"
        ),
        Line(
            algorithms: ["hmac-sha2-256", "hmac-sha2-512"], level: "warn", says: "using encrypt-and-MAC mode",
            because:
                "old Dropbear, old PuTTY and network gear have no other; the MACs over what is encrypted stand first"),
    ]

    static let server =
        both + [
            Line(
                algorithms: ["ecdsa-sha2-nistp256"], level: "fail", says: suspected,
                because: "this server has an ECDSA host key; whoever wants none gives it none"),
            Line(
                algorithms: ["ecdsa-sha2-nistp256"], level: "warn",
                says: "using weak random number generator could reveal the key",
                because:
                    "this server has an ECDSA host key; its signatures come from BoringSSL, which mixes the key and "
                    + "the message into each nonce"),
            Line(
                algorithms: ["rsa-sha2-256", "rsa-sha2-512"], level: "warn",
                says: "2048-bit modulus only provides 112-bits of symmetric strength",
                because: "this server has an RSA host key of 2048 bits; new ones of ours have 3072"),
        ]

    static let client =
        both + [
            Line(
                algorithms: ["diffie-hellman-group-exchange-sha256"], level: "warn",
                says: "does not provide protection against post-quantum attacks",
                because:
                    "servers that were told to use groups of their own offer nothing else; groups below 2048 bits are "
                    + "refused, and a server of ours does not offer it"),
            Line(
                algorithms: ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"], level: "fail",
                says: suspected, because: "hosts whose recorded key is of this kind could not be reached any more"),
            Line(
                algorithms: ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"], level: "warn",
                says: "using weak random number generator could reveal the key",
                because: "that is the host's business; its recorded key is what a client has to go by"),
        ]

    static func findings(_ lines: [Line]) -> Set<AuditFinding> {
        Set(
            lines.flatMap { line in
                line.algorithms.map { AuditFinding(level: line.level, algorithm: $0, says: line.says) }
            })
    }
}
