import Crypto
import Foundation
import SSH
import TestSupport

/// The real programs as clients.
enum StandardClient {
    /// Options of ssh, scp and sftp that keep the machine's own configuration out.
    static func openSSHOptions(_ visit: Visit) async throws -> [String] {
        let keys = try await InteropKeys.get()
        let known = try TemporaryKnownHosts.file(keys, port: visit.port, authority: visit.trustsAuthority)
        var options = [
            "-F", "/dev/null", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
            "-o", "UserKnownHostsFile=\(known)", "-o", "GlobalKnownHostsFile=/dev/null",
            "-o", "StrictHostKeyChecking=yes",
        ]
        let algorithms = visit.algorithms
        let chosen = [
            ("KexAlgorithms", algorithms.kex), ("Ciphers", algorithms.cipher), ("MACs", algorithms.mac),
            ("HostKeyAlgorithms", algorithms.hostKey), ("RekeyLimit", visit.rekey.map { "\($0)" }),
        ]
        for case (let option, let value?) in chosen { options += ["-o", "\(option)=\(value)"] }
        if case .key(let kind, let certificate) = visit.login {
            options += ["-o", "BatchMode=yes", "-o", "IdentityFile=\(keys.file("user_\(kind)"))"]
            if let userKey = algorithms.userKey { options += ["-o", "PubkeyAcceptedAlgorithms=\(userKey)"] }
            options += ["-o", "CertificateFile=\(certificate.map { keys.file("\($0)-cert.pub") } ?? "none")"]
        }
        if case .password = visit.login { options += ["-o", "PreferredAuthentications=password"] }
        if case .answers = visit.login { options += ["-o", "PreferredAuthentications=keyboard-interactive"] }
        return options
    }

    static func openSSH(_ visit: Visit) async throws -> VisitReport {
        let options = try await openSSHOptions(visit)
        let target = "\(visit.user)@127.0.0.1"
        let (folder, environment) = try askpass(visit.login)
        defer { withExtendedLifetime(folder) {} }
        switch visit.action {
        case .exec(let command):
            return report(
                try await ChildProcess.run(
                    "/usr/bin/ssh", options + ["-p", "\(visit.port)", target, command], input: visit.input,
                    environment: environment, within: visit.seconds), tellsStatus: true)
        case .forwardLocal(let port):
            return report(
                try await ChildProcess.run(
                    "/usr/bin/ssh", options + ["-p", "\(visit.port)", "-W", "127.0.0.1:\(port)", target],
                    input: visit.input, environment: environment, within: visit.seconds), tellsStatus: false)
        case .put, .get, .list:
            let batch = try TemporaryFolder()
            try batch.write(line(visit.action, list: "ls -1a") + "\n", to: "batch")
            return listing(
                try await ChildProcess.run(
                    "/usr/bin/sftp", ["-q", "-b", batch.file("batch")] + options + ["-P", "\(visit.port)", target],
                    within: visit.seconds), visit.action)
        }
    }

    static func dropbear(_ visit: Visit) async throws -> VisitReport {
        let keys = try await InteropKeys.get()
        let home = try TemporaryFolder()
        // Its known_hosts is always the account's own: it is not to look into that. The host still proves its key.
        var arguments = ["-T", "-y", "-y", "-p", "\(visit.port)", "-l", visit.user]
        if let cipher = visit.algorithms.cipher { arguments += ["-c", cipher] }
        if let mac = visit.algorithms.mac { arguments += ["-m", mac] }
        var environment = ["HOME": home.path]
        switch visit.login {
        case .key(let kind, _):
            // dropbearconvert openssh dropbear FROM TO
            try await ChildProcess.tool(
                "/usr/bin/dropbearconvert", ["openssh", "dropbear", keys.file("user_\(kind)"), home.file("key")])
            arguments += ["-i", home.file("key")]
        case .password(let password): environment["DROPBEAR_PASSWORD"] = password
        case .answers(let answers): environment["DROPBEAR_PASSWORD"] = answers.first
        }
        switch visit.action {
        case .exec(let command): arguments += ["127.0.0.1", command]
        case .forwardLocal(let port): arguments += ["-B", "127.0.0.1:\(port)", "127.0.0.1"]
        case .put, .get, .list: throw ToolFailure(description: "Dropbear has no SFTP")
        }
        var isExec = false
        if case .exec = visit.action { isExec = true }
        return report(
            try await ChildProcess.run(
                "/usr/bin/dbclient", arguments, input: visit.input, environment: environment, within: visit.seconds),
            tellsStatus: isExec)
    }

    static func putty(_ visit: Visit) async throws -> VisitReport {
        let keys = try await InteropKeys.get()
        let home = try TemporaryFolder()
        var arguments = ["-batch", "-P", "\(visit.port)", "-l", visit.user, "-noagent"]
        for kind in InteropKeys.kinds {
            arguments += ["-hostkey", try keys.publicKey("host_\(kind)").fingerprint]
        }
        switch visit.login {
        case .key(let kind, let certificate):
            // puttygen KEY -o KEY.ppk
            try await ChildProcess.tool(
                "/usr/bin/puttygen", [keys.file("user_\(kind)"), "-o", home.file("key.ppk")],
                environment: ["HOME": home.path])
            arguments += ["-i", home.file("key.ppk")]
            if let certificate { arguments += ["-cert", keys.file("\(certificate)-cert.pub")] }
        case .password(let password): arguments += ["-pw", password]
        case .answers(let answers): arguments += ["-pw", answers.first ?? ""]
        }
        let environment = ["HOME": home.path, "PUTTYDIR": home.file(".putty")]
        switch visit.action {
        case .exec(let command):
            return report(
                try await ChildProcess.run(
                    "/usr/bin/plink", ["-ssh", "-T"] + arguments + ["127.0.0.1", command], input: visit.input,
                    environment: environment, within: visit.seconds), tellsStatus: true)
        case .forwardLocal(let port):
            return report(
                try await ChildProcess.run(
                    "/usr/bin/plink", ["-ssh"] + arguments + ["-nc", "127.0.0.1:\(port)", "127.0.0.1"],
                    input: visit.input, environment: environment, within: visit.seconds), tellsStatus: false)
        case .put, .get, .list:
            try home.write(line(visit.action, list: "ls") + "\nquit\n", to: "batch")
            return listing(
                try await ChildProcess.run(
                    "/usr/bin/psftp", arguments + ["-b", home.file("batch"), "127.0.0.1"], environment: environment,
                    within: visit.seconds), visit.action)
        }
    }

    // MARK: Pieces

    private static func line(_ action: Visit.Action, list: String) -> String {
        switch action {
        case .put(let local, let remote): "put \(local) \(remote)"
        case .get(let remote, let local): "get \(remote) \(local)"
        case .list(let folder): "\(list) \(folder)"
        case .exec, .forwardLocal: ""
        }
    }

    private static func report(_ result: ChildProcess.Outcome, tellsStatus: Bool) -> VisitReport {
        VisitReport(
            // 255 is how all of them report a failure of their own.
            isGood: tellsStatus ? result.status != 255 && result.status < 128 : result.status == 0,
            status: tellsStatus ? Int(result.status) : nil, hash: sha256(result.output),
            text: result.output.count <= 4096 ? result.text : nil,
            log: "status \(result.status): \(result.errors.suffix(1000))")
    }

    /// Both print one name on each line, psftp as `ls -l` does, sftp with the folder before it.
    private static func listing(_ result: ChildProcess.Outcome, _ action: Visit.Action) -> VisitReport {
        let names = result.text.split(separator: "\n").filter {
            !["sftp>", "Listing", "Remote"].contains($0.prefix { $0 != " " })
        }
        .compactMap { $0.split(separator: " ").last?.split(separator: "/").last.map(String.init) }
        .filter { $0 != "." && $0 != ".." }
        return VisitReport(
            isGood: result.status == 0, names: names.sorted(),
            log: "\(result.text.suffix(500)) \(result.errors.suffix(500))")
    }

    /// A program that answers ssh's questions: the password, or the answers in turn.
    static func askpass(_ login: Visit.Login) throws -> (TemporaryFolder?, [String: String]) {
        let answers: [String]
        switch login {
        case .key: return (nil, [:])
        case .password(let password): answers = [password]
        case .answers(let all): answers = all
        }
        let folder = try TemporaryFolder()
        let cases = answers.enumerated().map { "*\"Question \($0.offset + 1)\"*) echo '\($0.element)';;" }
        try folder.write(
            "#!/bin/sh\ncase \"$1\" in \(cases.joined(separator: " ")) *) echo '\(answers[0])';; esac\n",
            to: "askpass", mode: 0o700)
        return (
            folder,
            ["SSH_ASKPASS": folder.file("askpass"), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"]
        )
    }
}

/// A known_hosts with every host key of these tests.
enum TemporaryKnownHosts {
    static func file(_ keys: InteropKeys, port: Int, authority: Bool) throws -> String {
        let name = authority ? "known_authority" : "known_hosts_\(port)"
        let host = "[127.0.0.1]:\(port)"
        let lines =
            try authority
            ? ["@cert-authority [127.0.0.1]:*,127.0.0.1 \(keys.text("host_ca.pub"))"]
            : InteropKeys.kinds.map { "\(host) \(try keys.text("host_\($0).pub"))" }
        try keys.folder.write(lines.joined(), to: name)
        return keys.file(name)
    }
}

func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined() }
