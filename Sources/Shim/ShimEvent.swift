import SSH

/// Something that happened, for status lines and logs. `upstream` is the upstream's name.
public enum ShimEvent: Sendable, Hashable {
    /// An attempt to reach the host begins.
    case connecting(upstream: String)
    /// The first connection stands, or the first one after a loss.
    case connected(upstream: String)
    /// A further connection stands, since the host takes no more sessions on the others.
    case grown(upstream: String, connections: Int)
    /// A further connection was wanted and could not be made.
    case growthFailed(upstream: String, UpstreamFailure)
    /// A connection ended; `remaining` others stand.
    case lost(upstream: String, UpstreamFailure, remaining: Int)
    /// The next attempt comes after that long.
    case waiting(upstream: String, UpstreamFailure, Duration)
    /// Nothing is attempted any more.
    case failed(upstream: String, UpstreamFailure)
    /// A remote forward that was asked for before the loss stands again.
    case forwardRestored(upstream: String, SSHForwardEndpoint)
    /// It does not yet; it is asked for again.
    case forwardMissing(upstream: String, SSHForwardEndpoint, UpstreamFailure)
    /// A local client was refused at the door.
    case refused(String)
}
