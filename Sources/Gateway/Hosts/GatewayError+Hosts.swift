import SSH
import SSHKeys

extension GatewayError {
    /// What went wrong with a host, under the engine's own code.
    init(_ error: SSHError) {
        let status =
            switch error.code {
            case .addressNotAllowed: 422
            case .cancelled: 503
            default: 502
            }
        self.init(error.code.rawValue, status: status, error.description, hint: error.hint)
    }

    static func hostKeyChanged(_ host: HostRow, offered: SSHPublicKey) -> GatewayError {
        GatewayError(
            "host_key_changed", status: 409,
            "The host \(host.alias) showed another key than the recorded one, so nothing was sent to it.",
            hint: "Ask whoever runs the host whether its key was changed, compare the fingerprints, and accept the new "
                + "key only then.",
            details: ["recorded": HostKeyFace(host.hostKey).details, "offered": HostKeyFace(offered).details])
    }
}
