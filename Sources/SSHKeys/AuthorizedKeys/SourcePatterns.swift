/// Which clients `from=` lets in: addresses, networks in CIDR notation, and patterns of addresses and host names, each
/// perhaps with a `!` before it (sshd(8), ssh_config(5) PATTERNS).
public struct SourcePatterns: Sendable, Hashable {
    private enum Matcher: Hashable, Sendable {
        case network(IPNetwork)
        case pattern(String)
    }

    private struct Element: Hashable, Sendable {
        let isNegated: Bool
        let matcher: Matcher
    }

    private let elements: [Element]

    /// nil for an empty list, an empty element, or a network that makes no sense.
    init?(_ text: String) {
        var elements: [Element] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let isNegated = part.first == "!"
            let body = isNegated ? part.dropFirst() : part
            guard !body.isEmpty, !body.contains(where: \.isWhitespace) else { return nil }
            if let network = IPNetwork(body) {
                elements.append(Element(isNegated: isNegated, matcher: .network(network)))
            } else {
                guard !body.contains("/") else { return nil }
                elements.append(Element(isNegated: isNegated, matcher: .pattern(String(body))))
            }
        }
        self.elements = elements
    }

    /// Whether a client is meant. One negated element that fits is enough for no.
    ///
    /// - Parameters:
    ///   - address: as text; nil if the client has none, and then no address fits.
    ///   - hostname: the name that the address was resolved to and that leads back to it; nil if there is none.
    public func matches(address: String?, hostname: String?) -> Bool {
        let parsed = address.flatMap(IPAddress.init)
        var isMatch = false
        for element in elements where fits(element.matcher, parsed, [address, hostname]) {
            if element.isNegated { return false }
            isMatch = true
        }
        return isMatch
    }

    private func fits(_ matcher: Matcher, _ address: IPAddress?, _ names: [String?]) -> Bool {
        switch matcher {
        case .network(let network): address.map(network.contains) ?? false
        case .pattern(let text):
            names.contains { name in
                name.map { WildcardPattern(text, ignoresCase: true).matches($0) } ?? false
            }
        }
    }
}
