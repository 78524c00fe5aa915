import SSH

/// What a command line says about a host.
public struct HostRequest: Sendable {
    /// "[user@]host[:port]", or a name of ssh_config.
    public var destination: String
    public var user: String?
    public var port: Int?
    /// "[user@]host[:port]", with commas between them.
    public var jumps: String?
    /// One file instead of the user's and the system's; "none" for no file at all.
    public var configurationFile: String?
    /// Each "Name=Value"; they count before the files.
    public var options: [String]

    public init(
        destination: String, user: String? = nil, port: Int? = nil, jumps: String? = nil,
        configurationFile: String? = nil, options: [String] = []
    ) {
        self.destination = destination
        self.user = user
        self.port = port
        self.jumps = jumps
        self.configurationFile = configurationFile
        self.options = options
    }

    /// What ssh_config(5) makes of it. Blocks.
    func resolve() throws(UpstreamFailure) -> SSHConfiguration {
        guard let target = JumpHost(destination) else {
            throw UpstreamFailure("“\(destination)” names no host.", hint: "Write it as [user@]host.", isFinal: true)
        }
        let files: SSHConfiguration.Files =
            switch configurationFile {
            case nil: .standard
            case "none"?: .none
            case let path?: .only(path)
            }
        do throws(SSHConfigurationError) {
            return try SSHConfiguration.resolve(
                host: target.host, user: user ?? target.user, port: port ?? target.port,
                options: options + (jumps.map { ["ProxyJump=" + $0] } ?? []), files: files)
        } catch {
            throw UpstreamFailure(error.description, hint: error.hint, isFinal: true)
        }
    }

    /// The request for the last host on the way: the files are the same, what was said about the target is not.
    func onTheWay(_ jump: JumpHost, after others: [JumpHost]) -> HostRequest {
        HostRequest(
            destination: jump.host.contains(":") ? "[\(jump.host)]" : jump.host, user: jump.user, port: jump.port,
            jumps: others.isEmpty ? nil : others.map(\.description).joined(separator: ","),
            configurationFile: configurationFile)
    }
}
