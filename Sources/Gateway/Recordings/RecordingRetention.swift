/// How long recordings are kept.
public struct RecordingRetention: Sendable, Codable, Hashable {
    /// What holds for the hosts with one tag.
    public struct TagRule: Sendable, Codable, Hashable {
        public var tag: String
        /// Days from the end of the session; 0 is for ever.
        public var days: Int

        public init(tag: String, days: Int) {
            self.tag = tag
            self.days = days
        }
    }

    /// Days from the end of the session for recordings of hosts without a rule of their own; 0 is for ever.
    public var days: Int
    public var tags: [TagRule]

    public init(days: Int, tags: [TagRule] = []) {
        self.days = days
        self.tags = tags
    }

    public static let standard = RecordingRetention(days: 90)
    static let range = 0...36_500
    static let mostRules = 100

    /// Days for a recording of a host with these tags; `nil` is for ever. Of several rules the longest holds.
    public func days(for tags: Set<String>) -> Int? {
        let rules = self.tags.filter { tags.contains($0.tag) }.map(\.days)
        guard !rules.isEmpty else { return days == 0 ? nil : days }
        return rules.contains(0) ? nil : rules.max()
    }

    /// Refuses what can't be meant.
    func checked() throws(GatewayError) -> RecordingRetention {
        guard Self.range.contains(days), tags.allSatisfy({ Self.range.contains($0.days) }) else {
            throw .invalid(
                "days", "Recordings are kept for 1 to \(Self.range.upperBound) days; 0 is for ever.",
                hint: "90 is usual, 365 where PCI-DSS asks for it.")
        }
        let names = tags.map(\.tag)
        guard Set(names).count == names.count, names.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 64 }),
            names.count <= Self.mostRules
        else {
            throw .invalid(
                "tags", "Each tag has one rule and a name of 1 to 64 characters; there are at most \(Self.mostRules).",
                hint: "Name the tags as the hosts have them.")
        }
        return RecordingRetention(days: days, tags: tags.sorted { $0.tag < $1.tag })
    }
}
