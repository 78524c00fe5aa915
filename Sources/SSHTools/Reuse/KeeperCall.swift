// A caller that has not read its configuration: the process that keeps a connection does it in its place, with the files as
// they are now, and takes the call only where the outcome is certain to be the same.

import SSH
import Synchronization

struct KeeperCall: Sendable {
    /// Behind `copilot ssh`.
    var words: [String]
    /// The caller's.
    var environment: [String: String]

    init(words: [String], environment: [String: String]) {
        self.words = words
        self.environment = environment
    }

    /// - Parameter entries: NAME=VALUE each; the first one of a name counts, as for getenv.
    init(words: [String], entries: [String]) {
        self.words = words
        environment = Dictionary(
            entries.compactMap { entry in
                entry.firstIndex(of: "=").map { (String(entry[..<$0]), String(entry[entry.index(after: $0)...])) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// What the caller wants done over the connection that is kept at this path.
    ///
    /// - Returns: nil where the caller must find out itself: another connection is meant, or something depends on its
    ///   terminal, its folder or a program to be run; and for a command line that is wrong, whose failure it tells.
    func beginning(for path: String) -> KeeperMessage.Beginning? {
        guard let line = try? SSHCommandLine(words), line.task == .connect, line.reuseSeconds != nil,
            line.request.logFile == nil, line.request.verbosity == 0, isCertain(line.request.configurationFile)
        else { return nil }
        let mustAsk = MustAsk()
        let environment = environment
        var context = ConfigurationContext.current()
        context.environment = { environment[$0] }
        context.runs = { _ in
            mustAsk.flag.store(true, ordering: .relaxed)
            return false
        }
        context.alias = { _ in
            mustAsk.flag.store(true, ordering: .relaxed)
            return nil
        }
        guard let configuration = try? StandaloneBackend(context: context).settings(of: line.request),
            !mustAsk.flag.load(ordering: .relaxed), path.hasSuffix("/" + KeeperSocket.name(configuration)),
            !configuration.goesToBackground, !configuration.forwardsX11,
            let task = try? HostTask(line, configuration, environment: environment),
            case .session(let plan) = task.work, plan.terminal == nil, !plan.lacksTerminal
        else { return nil }
        let beginning = task.beginning
        return beginning.forwards.isEmpty ? beginning : nil
    }

    /// A path that does not begin at the root begins at the caller's folder, which is not known here.
    private func isCertain(_ file: String?) -> Bool {
        guard let file else { return true }
        return file.hasPrefix("/") || file.lowercased() == "none"
    }

    /// The configuration asked for a program, or for the name service.
    private final class MustAsk: Sendable {
        let flag = Atomic(false)
    }
}
