import Foundation
import SSH
import TestSupport

/// One value of each algorithm; nil leaves the choice to the two ends.
struct Algorithms: Sendable, CustomStringConvertible {
    var kex: String?
    var cipher: String?
    var mac: String?
    var hostKey: String?
    var userKey: String?

    var description: String { [kex, cipher, mac, hostKey, userKey].map { $0 ?? "any" }.joined(separator: " · ") }
}

/// What a foreign client is to do at a server.
struct Visit: Sendable {
    enum Login: Sendable {
        /// A kind of key, with the name of a certificate's file for it.
        case key(String, certificate: String? = nil)
        case password(String)
        case answers([String])
    }

    enum Action: Sendable {
        case exec(String)
        case forwardLocal(port: Int)
        case put(local: String, remote: String)
        case get(remote: String, local: String)
        case list(String)
    }

    var port: Int
    var user = InteropKeys.user
    var algorithms = Algorithms()
    var login: Login = .key("ed25519")
    var trustsAuthority = false
    var rekey: Int?
    var input: String?
    var action: Action = .exec("cat")
    var seconds: Double = 30
}

/// What a visit brought.
struct VisitReport: Sendable {
    var isGood: Bool
    /// The remote command's own status; nil where the client does not tell it apart.
    var status: Int?
    var hash: String?
    var text: String?
    var names: [String]?
    /// Everything the client said, for a failure's message.
    var log: String
}

extension Peer {
    /// Lets the peer's client do it.
    func visit(_ visit: Visit) async throws -> VisitReport {
        switch self {
        case .openSSH: try await StandardClient.openSSH(visit)
        case .dropbear: try await StandardClient.dropbear(visit)
        case .putty: try await StandardClient.putty(visit)
        case .libssh, .go, .paramiko, .asyncSSH: try await libraryVisit(visit)
        }
    }

    private struct Report: Decodable {
        var ok: Bool
        var error: String?
        var status: Int?
        var sha256: String?
        var stdout: String?
        var names: [String]?
    }

    private func libraryVisit(_ visit: Visit) async throws -> VisitReport {
        let keys = try await InteropKeys.get()
        var arguments = ["client", "--port", "\(visit.port)", "--user", visit.user]
        let algorithms = visit.algorithms
        let chosen = [
            ("--kex", algorithms.kex), ("--cipher", algorithms.cipher), ("--mac", algorithms.mac),
            ("--host-key-algorithm", algorithms.hostKey), ("--input", visit.input),
            ("--rekey", visit.rekey.map(String.init)),
        ]
        for case (let option, let value?) in chosen { arguments += [option, value] }
        if visit.trustsAuthority {
            arguments += ["--trust-authority", keys.file("host_ca.pub")]
        } else if let hostKey = algorithms.hostKey {
            arguments += ["--trust", keys.file("host_\(InteropKeys.kind(hostKey)).pub")]
        }
        switch visit.login {
        case .key(let kind, let certificate):
            arguments += ["--key", keys.file("user_\(kind)")]
            if let certificate { arguments += ["--certificate", keys.file("\(certificate)-cert.pub")] }
            if self != .go, kind == "rsa", certificate == nil, let signature = algorithms.userKey {
                arguments += ["--signature", signature]
            }
        case .password(let password): arguments += ["--password", password]
        case .answers(let answers): arguments += ["--answers", answers.joined(separator: ",")]
        }
        switch visit.action {
        case .exec(let command): arguments += ["exec", command]
        case .forwardLocal(let port): arguments += ["forward-local", "127.0.0.1", "\(port)"]
        case .put(let local, let remote): arguments += ["put", local, remote]
        case .get(let remote, let local): arguments += ["get", remote, local]
        case .list(let folder): arguments += ["list", folder]
        }
        let command = try await command
        let result = try await ChildProcess.run(command[0], command.dropFirst() + arguments, within: visit.seconds)
        let line = result.text.split(separator: "\n").last.map(String.init) ?? ""
        let report = try? JSONDecoder().decode(Report.self, from: Data(line.utf8))
        return VisitReport(
            isGood: result.status == 0 && report?.ok == true, status: report?.status, hash: report?.sha256,
            text: report?.stdout, names: report?.names,
            log: "\(rawValue): \(report?.error ?? line.suffix(500).description) \(result.errors.suffix(1000))")
    }
}
