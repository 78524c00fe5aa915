import Gateway

struct HostsAnswer: Encodable {
    let hosts: [HostView]
}

struct HostAnswer: Encodable {
    let host: HostView
    /// For the host's `authorized_keys`, where the copilot made or got a key.
    var authorizedKeysLine: String?
}
