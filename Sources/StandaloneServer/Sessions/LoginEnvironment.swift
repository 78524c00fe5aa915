import LocalProcess
import SSH
import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The environment of a session's program, as sshd(8) "LOGIN PROCESS" and ssh(1) "ENVIRONMENT" have it.
enum LoginEnvironment {
    static let path = "/usr/local/bin:/usr/bin:/bin:/usr/games"
    static let rootPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    static func make(_ visit: Visit, _ info: SSHServerSessionInfo) -> [String: String] {
        let (account, visitor) = (visit.welcome.account, visit.visitor)
        // The client's own first: what the server knows is not the client's to say.
        var environment = info.environment
        if let zone = getenv("TZ") { environment["TZ"] = String(cString: zone) }
        for variable in visit.welcome.permissions.environment where !variable.name.hasPrefix("LD_") {
            environment[variable.name] = variable.value
        }
        environment["USER"] = account.name
        environment["LOGNAME"] = account.name
        environment["HOME"] = account.home
        environment["SHELL"] = account.shell
        environment["MAIL"] = "/var/mail/\(account.name)"
        if !visit.welcome.permissions.environment.contains(where: { $0.name == "PATH" }) {
            environment["PATH"] = account.userID == 0 ? rootPath : path
        }
        if let address = visitor.address, let port = visitor.port {
            environment["SSH_CLIENT"] = "\(address) \(port) \(visitor.localPort ?? 0)"
            environment["SSH_CONNECTION"] =
                "\(address) \(port) \(visitor.localAddress ?? "UNKNOWN") \(visitor.localPort ?? 65535)"
        }
        if let terminal = info.terminal, !terminal.type.isEmpty, !terminal.type.utf8.contains(0) {
            environment["TERM"] = terminal.type
        }
        if case .application(let application, _) = visit.welcome.place {
            environment.merge(identity(of: visit, application)) { $1 }
        }
        return environment
    }

    /// Who an application's visitor is. Only what was proven, and never what the client says of itself. The names without
    /// APP are those that `copilot dispatch` gives a program behind sshd.
    private static func identity(
        of visit: Visit, _ application: ServerSettings.Application
    ) -> [String: String] {
        let person = visit.welcome.person
        var variables = [
            "COPILOT_APP_NAME": application.name, "COPILOT_APP_USER": person, "COPILOT_USER": person,
            "COPILOT_LOGIN": visit.visitor.username,
        ]
        guard let identity = visit.welcome.identity else { return variables }
        variables["COPILOT_APP_KEY"] = identity.publicKey.fingerprint
        variables["COPILOT_KEY"] = identity.publicKey.fingerprint
        variables["COPILOT_APP_KEY_TYPE"] = identity.publicKey.algorithm
        if let certificate = identity.certificate { variables["COPILOT_APP_CERTIFICATE_ID"] = certificate.keyID }
        return variables.mapValues { $0.utf8.contains(0) ? "" : $0 }
    }
}
