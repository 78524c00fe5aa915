import ArgumentParser
import SSHTools

/// The flags of ssh-keygen, each with a long name too; what they ask for is in `KeygenCommand+Actions.swift`.
struct KeygenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make, show, change, convert, certify and revoke SSH keys.",
        discussion: """
            Without another action a key pair is made: Ed25519, in OpenSSH's format, the \
            private file for its owner alone, the passphrase asked for twice. No file is \
            written over unless somebody says yes at the terminal, or --force does. The \
            flags are those of ssh-keygen, and what is written it reads.

            EXAMPLE
              copilot keygen                               a pair at ~/.ssh/id_ed25519
              copilot keygen -t rsa -b 4096 -f deploy -C deploy@ci --no-passphrase
              copilot keygen -lvf ~/.ssh/id_ed25519.pub    fingerprint and picture
              copilot keygen -y -f deploy > deploy.pub     a private key's public one
              copilot keygen -p -f deploy                  another passphrase
              copilot keygen -p -m PKCS8 -f deploy         another format
              copilot keygen -i -m OpenSSH -f key.ppk      a key of PuTTY
              copilot keygen -s ca -I ada@laptop -n ada -V +8h id_ed25519.pub
              copilot keygen -s ca -h -I web-1 -n web-1.example.org host_key.pub
              copilot keygen -Lf id_ed25519-cert.pub       what a certificate says
              copilot keygen -k -f list -s ca.pub serials  a revocation list
              copilot keygen -Qf list id_ed25519-cert.pub  is it on the list?
              copilot keygen -F web-1                      what known_hosts says
              copilot keygen -R '[web-1]:2222'

            EXIT STATUS
              0  done; with -F found, with -Q not revoked
              1  not found, revoked, or given up at a question
              2  it could not be done; standard error says why
            """,
        helpNames: [.long])

    @OptionGroup(title: "What to do") var action: KeygenAction
    @OptionGroup(title: "The key") var key: KeygenKey
    @OptionGroup(title: "Passphrases") var secrets: KeygenSecrets
    @OptionGroup(title: "Certificates and revocation") var certificate: KeygenCertificate

    @Flag(name: [.customShort("q"), .long], help: "Say nothing that is not asked for.")
    var quiet = false
    @Flag(help: "Write over files without asking.")
    var force = false
    @Flag(help: "Print JSON, where something is shown.")
    var json = false
    @Argument(help: "What to sign, to revoke or to ask the list about.", completion: .file())
    var files: [String] = []

    func validate() throws {
        guard action.count <= 1 else {
            throw ValidationError(
                "Only one of -l, -y, -p, -c, -i, -e, -L, -F, -R, -H, -s and -k, -Q can be done at once.")
        }
        let takesFiles = action.revokes || action.queries || certificate.authority != nil
        guard files.isEmpty || takesFiles else {
            throw ValidationError("The key file is named with -f: '\(files[0])' stands there alone.")
        }
    }

    func run() async throws {
        try await Failure.reported { try perform() }
    }
}

struct KeygenAction: ParsableArguments {
    @Flag(name: [.customShort("l"), .long], help: "Show the fingerprint of each key in the file.")
    var fingerprint = false
    @Flag(name: [.customShort("y"), .customLong("public")], help: "Print the public key of a private one.")
    var showsPublic = false
    @Flag(name: [.customShort("p"), .long], help: "Change the passphrase (or, with -m, the format) of a private key.")
    var changePassphrase = false
    @Flag(name: [.customShort("c"), .long], help: "Change the comment of a key pair to that of -C.")
    var changeComment = false
    @Flag(
        name: [.customShort("i"), .customLong("import")],
        help: "Read a key of another program (RFC 4716, PKCS#8, PEM, PuTTY) and print it as OpenSSH has it.")
    var imports = false
    @Flag(
        name: [.customShort("e"), .customLong("export")],
        help: "Print the public key for another program: -m RFC4716 (default), PKCS8 or PEM.")
    var exports = false
    @Flag(name: [.customShort("L"), .customLong("list-certificate")], help: "Show what a certificate says.")
    var listsCertificate = false
    @Option(
        name: [.customShort("F"), .customLong("find-host")],
        help: ArgumentHelp("Find a host in known_hosts.", valueName: "host"))
    var findHost: String?
    @Option(
        name: [.customShort("R"), .customLong("remove-host")],
        help: ArgumentHelp("Remove a host from known_hosts.", valueName: "host"))
    var removeHost: String?
    @Flag(name: [.customShort("H"), .customLong("hash-hosts")], help: "Hide the names in known_hosts behind hashes.")
    var hashesHosts = false
    @Flag(
        name: [.customShort("k"), .customLong("revoke")],
        help: "Make the revocation list of -f from what the files name.")
    var revokes = false
    @Flag(
        name: [.customShort("Q"), .customLong("query-revoked")], help: "Ask the revocation list of -f about the files.")
    var queries = false

    /// How many were asked for. `-Ql` is one.
    var count: Int {
        let flags = [
            fingerprint && !queries, showsPublic, changePassphrase, changeComment, imports, exports, listsCertificate,
            findHost != nil && !(fingerprint), removeHost != nil, hashesHosts && findHost == nil, revokes, queries,
        ]
        return flags.count { $0 }
    }
}

struct KeygenKey: ParsableArguments {
    @Option(
        name: [.customShort("f", allowingJoined: true), .customLong("file")],
        help: ArgumentHelp("The key file; known_hosts with -F, -R and -H; the list with -k and -Q.", valueName: "file"),
        completion: .file())
    var file: String?
    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("type")],
        help: ArgumentHelp("ed25519, ecdsa or rsa; with -s the algorithm to sign with.", valueName: "type"),
        completion: .list(["ed25519", "ecdsa", "rsa"]))
    var type: String?
    @Option(
        name: [.customShort("b", allowingJoined: true), .long],
        help: ArgumentHelp("Bits: rsa 2048 to 8192 (3072), ecdsa 256, 384 or 521.", valueName: "number"))
    var bits: Int?
    @Option(
        name: [.customShort("C", allowingJoined: true), .long],
        help: ArgumentHelp("The comment. (default: user@machine)", valueName: "text"))
    var comment: String?
    @Option(
        name: [.customShort("m", allowingJoined: true), .customLong("format")],
        help: ArgumentHelp(
            "OpenSSH, PKCS8 or PEM for private keys, RFC4716, PKCS8 or PEM for public ones.", valueName: "format"),
        completion: .list(["OpenSSH", "PKCS8", "PEM", "RFC4716"]))
    var format: String?
    @Option(
        name: [.customShort("E", allowingJoined: true), .customLong("fingerprint-hash")],
        help: ArgumentHelp("sha256 or md5.", valueName: "hash"), completion: .list(["sha256", "md5"]))
    var fingerprintHash = "sha256"
    @Flag(name: [.customShort("v"), .customLong("randomart")], help: "Draw the key's picture too.")
    var drawsPicture = false

    func validate() throws {
        guard ["sha256", "md5"].contains(fingerprintHash.lowercased()) else {
            throw ValidationError("There is no fingerprint hash '\(fingerprintHash)': it is sha256 or md5.")
        }
    }
}

struct KeygenSecrets: ParsableArguments {
    @Option(
        name: [.customShort("N"), .customLong("new-passphrase")],
        help: ArgumentHelp("The new passphrase. Everybody on this machine sees it in `ps`.", valueName: "text"))
    var newPassphrase: String?
    @Option(
        name: [.customShort("P"), .customLong("passphrase")],
        help: ArgumentHelp("The passphrase that the key has; seen in `ps` too.", valueName: "text"))
    var oldPassphrase: String?
    @Option(
        name: .customLong("new-passphrase-file"),
        help: ArgumentHelp("The new passphrase is this file's first line.", valueName: "file"), completion: .file())
    var newPassphraseFile: String?
    @Option(
        help: ArgumentHelp(
            "The passphrase is this file's first line: of the key that is read, or made.", valueName: "file"),
        completion: .file())
    var passphraseFile: String?
    @Flag(help: "Make or write the key without a passphrase.")
    var noPassphrase = false
    @Option(
        name: [.customShort("a", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Rounds of the passphrase function: each makes guessing and opening slower.", valueName: "number"))
    var rounds = 16

    /// For a key that is there.
    var old: PassphraseSource {
        if let oldPassphrase { return .given(Array(oldPassphrase.utf8)) }
        if let passphraseFile { return .file(passphraseFile) }
        return .asked
    }

    /// For a key that is made; `isChange` when it has one that must be given too.
    func new(isChange: Bool) -> PassphraseSource {
        if noPassphrase { return .none }
        if let newPassphrase { return .given(Array(newPassphrase.utf8)) }
        if let newPassphraseFile { return .file(newPassphraseFile) }
        if !isChange, let passphraseFile { return .file(passphraseFile) }
        return .asked
    }

    func validate() throws {
        guard [newPassphrase != nil, newPassphraseFile != nil, noPassphrase].count(where: { $0 }) <= 1 else {
            throw ValidationError("Give the new passphrase once: -N, --new-passphrase-file or --no-passphrase.")
        }
        guard oldPassphrase == nil || passphraseFile == nil else {
            throw ValidationError("Give the passphrase once: -P or --passphrase-file.")
        }
        guard (1...2048).contains(rounds) else { throw ValidationError("Rounds are 1 to 2048.") }
    }
}

struct KeygenCertificate: ParsableArguments {
    @Option(
        name: [.customShort("s"), .customLong("sign")],
        help: ArgumentHelp(
            "Certify the files with this authority's private key; with -k the authority whose certificates are revoked, "
                + "or none.", valueName: "ca"),
        completion: .file())
    var authority: String?
    @Option(
        name: [.customShort("I"), .customLong("id")],
        help: ArgumentHelp("The certificate's name in the logs of servers.", valueName: "id"))
    var keyID: String?
    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("Whom it is for: user names, with -h host names, with commas between.", valueName: "names"))
    var principals: String?
    @Option(
        name: [.customShort("V"), .long], parsing: .unconditional,
        help: ArgumentHelp(
            "From when to when: +8h, -1m:+52w, 20270101:20280101. (default: always:forever)", valueName: "interval"))
    var validity: String?
    @Option(
        name: [.customShort("O"), .long],
        help: ArgumentHelp(
            "clear, no-pty, force-command=…, source-address=…, extension:NAME and so on; repeatable.",
            valueName: "option"))
    var option: [String] = []
    @Flag(name: [.customShort("h"), .customLong("host")], help: "Make a host's certificate.")
    var isHost = false
    @Option(
        name: [.customShort("z"), .long],
        help: ArgumentHelp(
            "The certificate's serial number, +N to count on from N; with -k the list's version.", valueName: "number"))
    var serial: String?
    @Flag(name: [.customShort("u"), .customLong("update")], help: "With -k: add to the list that is there.")
    var updates = false
}
