public import SSHProtocol

/// Everything a server needs to know beforehand, beside its handlers.
public struct SSHServerConfiguration: Sendable {
    /// Host keys, algorithms, authentication and its limits, time-outs.
    public var core: ServerConfiguration
    /// How far windows grow and what they may come to. Its numbers of channels and sessions are those of `core`.
    public var windows: ChannelLimits = .standard
    /// Limits on connections that have not authenticated: 10:30:100 by default.
    public var startups = StartupLimits()
    /// How long sources are kept out after what they did; nil keeps nobody out.
    public var penalties: SourcePenalties? = SourcePenalties()
    /// Names of environment variables that sessions may bring, with * at the end for any ending. Others are refused.
    public var acceptedEnvironment = ["LANG", "LC_*", "COLORTERM", "NO_COLOR"]
    /// Listeners of one connection (-R) at once.
    public var maximumListeners = 64

    public init(hostKeys: [HostKey]) { core = ServerConfiguration(hostKeys: hostKeys) }

    var channelLimits: ChannelLimits {
        var limits = windows
        limits.channels = core.maximumChannels
        limits.sessions = core.maximumSessions
        return limits
    }

    func accepts(environment name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 256, !name.utf8.contains(0), !name.contains("=") else { return false }
        return acceptedEnvironment.contains { pattern in
            pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
        }
    }
}
