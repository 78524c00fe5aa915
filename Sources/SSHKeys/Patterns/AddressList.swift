/// Networks, separated by commas: a certificate's source-address option.
struct AddressList {
    private let networks: [IPNetwork]

    /// nil if it is empty or one of them makes no sense: who can't read a limit must not guess it.
    init?(networks text: String) {
        var networks: [IPNetwork] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let network = IPNetwork(part) else { return nil }
            networks.append(network)
        }
        guard !networks.isEmpty else { return nil }
        self.networks = networks
    }

    func contains(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }
}
