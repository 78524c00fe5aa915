/// Where a role's permission reaches. One of the conditions is enough.
struct Scope: Sendable, Hashable {
    /// Everything in the tenant.
    var isAnywhere = false
    /// Hosts that the person added.
    var isOwnHosts = false
    /// Hosts with one of these tags.
    var tags: Set<String> = []
    /// Sessions and recordings that the person takes or took part in; of a host it says that one may be invited there.
    var isInvited = false

    static let anywhere = Scope(isAnywhere: true)
    static let ownHosts = Scope(isOwnHosts: true)
    static let invited = Scope(isInvited: true)
    static func tagged(_ tag: String) -> Scope { Scope(tags: [tag]) }

    func or(_ other: Scope) -> Scope {
        Scope(
            isAnywhere: isAnywhere || other.isAnywhere, isOwnHosts: isOwnHosts || other.isOwnHosts,
            tags: tags.union(other.tags), isInvited: isInvited || other.isInvited)
    }

    func includes(_ object: PolicyObject?, for subject: Subject) -> Bool {
        if isAnywhere { return true }
        // Without an object nobody can tell whether it is within reach.
        guard let object else { return false }
        if isOwnHosts && object.ownerIDs.contains(subject.userID) { return true }
        if !tags.isDisjoint(with: object.tags) { return true }
        return isInvited && (object.kind == "host" || object.participantIDs.contains(subject.userID))
    }

    /// To follow "only".
    var description: String {
        var places: [String] = []
        if isOwnHosts { places.append("on hosts that one added oneself") }
        if !tags.isEmpty { places.append("on hosts tagged " + tags.sorted().joined(separator: " or ")) }
        if isInvited { places.append("where one was invited") }
        return places.joined(separator: ", or ")
    }
}
