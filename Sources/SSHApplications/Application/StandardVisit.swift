import SSH

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An application as a program of its own: what `copilot dispatch run` becomes, what sshd forces, an account's login
/// shell, or what somebody starts by hand.
///
/// ```swift
/// exit(await StandardVisit.serve(Hello(), name: "hello", words: try ProgramArguments().words))
/// ```
public enum StandardVisit {
    /// Serves one visit on the standard streams and returns the exit status. Who comes is `COPILOT_USER` and
    /// `COPILOT_KEY` of the environment, which a client cannot set (sshd's AcceptEnv must not name them).
    ///
    /// A terminal is raw meanwhile and is given back as it was; SIGINT, SIGTERM and SIGHUP cancel the visit.
    ///
    /// - Parameters:
    ///   - name: Stands before what is said to the person.
    ///   - words: What was asked for; nil without a command.
    public static func serve(_ application: any SSHApplication, name: String, words: [String]?) async -> Int32 {
        let streams = ProcessStreams()
        let environment = ProcessEnvironment.all
        let visit = ApplicationVisit(
            identity: identity(environment), arguments: words, environment: environment, streams: streams)
        let run = Task { await visit.serve(by: application, name: name) }
        streams.watch { number in
            run.cancel()
            // Who does not end in time is ended.
            streams.restore(exitingAfter: .seconds(2), status: 128 + number)
        }
        let exit = await run.value
        streams.restore()
        return status(of: exit, endedBy: streams.endedBy)
    }

    private static func identity(_ environment: [String: String]) -> ApplicationIdentity {
        let login = environment["COPILOT_LOGIN"] ?? environment["LOGNAME"] ?? environment["USER"] ?? ""
        var identity = ApplicationIdentity(
            login: login, person: environment["COPILOT_USER"].flatMap(PersonName.init)?.description,
            fingerprint: environment["COPILOT_KEY"])
        // "address port address port".
        identity.address = environment["SSH_CONNECTION"]?.split(separator: " ").first.map(String.init)
        return identity
    }

    private static func status(of exit: CommandResult.Exit, endedBy signal: Int32?) -> Int32 {
        if let signal { return 128 + signal }
        switch exit {
        case .status(let status): return Int32(truncatingIfNeeded: min(status, 255))
        case .signal, .unknown: return 255
        }
    }
}

enum ProcessEnvironment {
    /// The first of a name counts, as getenv(3) has it.
    static var all: [String: String] {
        var found: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2, found[String(parts[0])] == nil { found[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return found
    }
}
