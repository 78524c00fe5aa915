import Foundation
import SSHTestSupport
import TestSupport
import Testing

/// A foreign implementation of SSH.
enum Peer: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case openSSH = "OpenSSH"
    case dropbear = "Dropbear"
    case putty = "PuTTY"
    case libssh
    case paramiko
    case asyncSSH = "AsyncSSH"
    case go = "Go"

    var testDescription: String { rawValue }

    /// Those with one command line; the others are real programs with command lines of their own.
    static let libraries: [Peer] = [.libssh, .paramiko, .asyncSSH, .go].filter { $0.obstacle == nil }
    static let clients = allCases.filter { $0.obstacle == nil }
    static let servers = clients.filter { $0 != .putty && ($0 != .dropbear || AccountNamespace.obstacle == nil) }

    /// Why it cannot be tested here, or nil.
    var obstacle: String? {
        switch self {
        case .openSSH:
            ChildProcess.find("sshd") == nil || ChildProcess.find("ssh") == nil
                ? "needs openssh-server and openssh-client" : nil
        case .dropbear:
            ChildProcess.find("dropbear") == nil || ChildProcess.find("dbclient") == nil ? "needs dropbear-bin" : nil
        case .putty:
            ChildProcess.find("plink") == nil || ChildProcess.find("puttygen") == nil ? "needs putty-tools" : nil
        case .libssh:
            ChildProcess.find("cc") == nil || !FileManager.default.fileExists(atPath: "/usr/include/libssh/libssh.h")
                ? "needs libssh-dev, libssl-dev and a C compiler" : nil
        case .go:
            ChildProcess.find("go") == nil
                || !FileManager.default.fileExists(atPath: PeerPrograms.goSources + "/golang.org/x/crypto/ssh")
                || !FileManager.default.fileExists(atPath: PeerPrograms.goSources + "/github.com/pkg/sftp")
                ? "needs golang-go, golang-golang-x-crypto-dev and golang-github-pkg-sftp-dev" : nil
        case .paramiko, .asyncSSH: PeerPrograms.python == nil ? "needs Python's packages paramiko and asyncssh" : nil
        }
    }

    /// What its client, or its server, has; names on the wire.
    struct Features: Sendable, Decodable {
        var kex: [String]
        var ciphers: [String]
        var macs: [String]
        var hostKeys: [String]
        var userKeys: [String]
    }

    enum Role: String, Sendable { case client, server }

    func features(_ role: Role) async throws -> Features {
        let keys = [
            "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512",
            "rsa-sha2-256",
        ]
        switch self {
        case .openSSH:
            return Features(
                kex: try await Self.query("kex"), ciphers: try await Self.query("cipher"),
                macs: try await Self.query("mac"), hostKeys: keys + ["ssh-rsa"], userKeys: keys)
        case .dropbear:
            // What `dropbear` 2022.83 announces. It announces one ECDSA key, and RSA with SHA-256 and SHA-1.
            return Features(
                kex: [
                    "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp521", "ecdh-sha2-nistp384",
                    "ecdh-sha2-nistp256", "diffie-hellman-group14-sha256", "diffie-hellman-group14-sha1",
                ],
                ciphers: ["chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-ctr"],
                macs: ["hmac-sha1", "hmac-sha2-256"],
                hostKeys: role == .client
                    ? keys.filter { $0 != "rsa-sha2-512" } : ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256"],
                userKeys: keys.filter { $0 != "rsa-sha2-512" })
        case .putty:
            // What `plink` 0.78 announces, without what it asks a person about first.
            return Features(
                kex: [
                    "sntrup761x25519-sha512@openssh.com", "curve25519-sha256", "curve25519-sha256@libssh.org",
                    "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
                    "diffie-hellman-group-exchange-sha256", "diffie-hellman-group18-sha512",
                    "diffie-hellman-group16-sha512", "diffie-hellman-group14-sha256", "diffie-hellman-group14-sha1",
                ],
                ciphers: [
                    "aes256-ctr", "aes192-ctr", "aes128-ctr", "chacha20-poly1305@openssh.com",
                    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-cbc", "aes192-cbc", "aes128-cbc",
                ],
                macs: ["hmac-sha2-256", "hmac-sha1", "hmac-sha2-256-etm@openssh.com", "hmac-sha1-etm@openssh.com"],
                hostKeys: keys, userKeys: keys.filter { $0 != "rsa-sha2-256" })
        case .libssh, .go, .paramiko, .asyncSSH:
            struct Both: Decodable { var client: Features; var server: Features }
            let command = try await command
            let text = try await ChildProcess.tool(command[0], command.dropFirst() + ["features"])
            let both = try JSONDecoder().decode(Both.self, from: Data(text.utf8))
            return role == .client ? both.client : both.server
        }
    }

    private static func query(_ kind: String) async throws -> [String] {
        // ssh -Q LIST
        try await ChildProcess.tool("/usr/bin/ssh", ["-Q", kind]).split(separator: "\n").map(String.init)
    }

    /// How the program of a library is called.
    var command: [String] {
        get async throws {
            switch self {
            case .libssh: [try await PeerPrograms.libssh.value]
            case .go: [try await PeerPrograms.go.value]
            case .paramiko: [PeerPrograms.python ?? "", PeerPrograms.sources + "/python/paramiko_peer.py"]
            case .asyncSSH: [PeerPrograms.python ?? "", PeerPrograms.sources + "/python/asyncssh_peer.py"]
            default: throw ToolFailure(description: "\(self) is no library")
            }
        }
    }
}

/// The programs of the folder Peers, built under the build folder when they are older than their sources.
enum PeerPrograms {
    static let sources =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
        + "/Peers"
    static let goSources = "/usr/share/gocode/src"
    private static let build =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path + "/.build/interop-peers"

    static let libssh = Task {
        try await made("libssh") { program in
            let files = try FileManager.default.contentsOfDirectory(atPath: sources + "/libssh")
                .filter { $0.hasSuffix(".c") }.map { sources + "/libssh/" + $0 }
            try await ChildProcess.tool(
                ChildProcess.find("cc") ?? "cc",
                ["-std=gnu11", "-O1", "-o", program] + files.sorted() + ["-lssh", "-lcrypto"])
        }
    }

    static let go = Task {
        try await made("go") { program in
            let files = try FileManager.default.contentsOfDirectory(atPath: sources + "/go")
                .filter { $0.hasSuffix(".go") }.map { sources + "/go/" + $0 }
            try await ChildProcess.tool(
                ChildProcess.find("go") ?? "go", ["build", "-o", program] + files.sorted(),
                environment: [
                    "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": build + "/go-cache",
                    "GOFLAGS": "",
                ])
        }
    }

    /// A Python with the packages, made when it is not there; nil where that fails.
    static let python: String? = {
        let python = build + "/python/bin/python"
        let requirements = sources + "/python/requirements.txt"
        guard let wanted = FileManager.default.contents(atPath: requirements) else { return nil }
        let stamp = build + "/python/requirements"
        if FileManager.default.contents(atPath: stamp) == wanted { return python }
        do {
            try FileManager.default.createDirectory(atPath: build, withIntermediateDirectories: true)
            for command in [
                ["/usr/bin/python3", "-m", "venv", "--clear", build + "/python"],
                [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "-r", requirements],
            ] {
                let program = try ChildProcess(command[0], Array(command.dropFirst()))
                while program.isRunning { usleep(5000) }
                guard program.status == 0 else { return nil }
            }
            try wanted.write(to: URL(fileURLWithPath: stamp))
            return python
        } catch {
            return nil
        }
    }()

    private static func made(_ name: String, _ make: (String) async throws -> Void) async throws -> String {
        let program = build + "/" + name
        let folder = sources + "/" + name
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).map { folder + "/" + $0 }
        func date(_ path: String) -> Date {
            (try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date) ?? .distantPast
        }
        let newest = files.map(date).max() ?? .distantFuture
        if date(program) > newest { return program }
        try FileManager.default.createDirectory(atPath: build, withIntermediateDirectories: true)
        // Put in place as a whole: another process may run it.
        let fresh = program + ".\(getpid())"
        try await make(fresh)
        guard rename(fresh, program) == 0 else { throw ToolFailure(description: "\(program) cannot be made") }
        return program
    }
}
