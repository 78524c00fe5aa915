public import SSH

/// Where a name leads, and with which settings: the standalone files now; a copilot's own list of hosts is another one.
public protocol HostBackend: Sendable {
    func resolve(_ request: ConnectionRequest) async throws(Failure) -> SSHConfiguration
}

/// Names as ssh_config(5) explains them, host keys as known_hosts has them.
public struct StandaloneBackend: HostBackend {
    private let context: ConfigurationContext

    public init(context: ConfigurationContext = .current()) { self.context = context }

    public func resolve(_ request: ConnectionRequest) async throws(Failure) -> SSHConfiguration {
        try settings(of: request)
    }

    /// Reads files, and runs what they have to be run: keep off event loops.
    package func settings(of request: ConnectionRequest) throws(Failure) -> SSHConfiguration {
        let target = try request.target()
        // The order of a command line: what is said there counts before the files, and its first word first.
        var options = request.options
        options += request.identityFiles.map { "IdentityFile " + Self.quoted($0) }
        if let jumps = request.jumps { options.append("ProxyJump=" + jumps) }
        let files: SSHConfiguration.Files =
            switch request.configurationFile {
            case nil: .standard
            case let name? where name.lowercased() == "none": .none
            case let path?: .only(path)
            }
        do throws(SSHConfigurationError) {
            return try SSHConfiguration.resolve(
                host: target.host, user: request.user ?? target.user, port: request.port ?? target.port,
                options: options, tag: request.tag, files: files, context: context)
        } catch {
            throw Failure(error)
        }
    }

    /// A word of a configuration line.
    private static func quoted(_ path: String) -> String {
        "\"" + path.map { "\"'\\".contains($0) ? "\\\($0)" : "\($0)" }.joined() + "\""
    }
}
