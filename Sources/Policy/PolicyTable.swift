/// The one place that decides who may do what. What no line grants is refused.
public struct PolicyTable: Sendable {
    private let grants: [String: [Permission: Scope]]

    init(_ grants: [String: [Permission: Scope]]) {
        self.grants = grants
    }

    /// The names of the roles, the most powerful first.
    public static let roles = ["admin", "devops", "ml-ops", "guest"]

    /// The product's roles.
    public static let standard: PolicyTable = {
        // A host is a role's own when the person added it, or when an admin gave it the role's tag.
        let devopsHosts = Scope.ownHosts.or(.tagged("devops"))
        let gpuHosts = Scope.tagged("gpu")
        return PolicyTable([
            "admin": Dictionary(uniqueKeysWithValues: Permission.allCases.map { ($0, .anywhere) }),
            "devops": [
                .sessionStart: devopsHosts,
                .sessionView: .invited,
                .sessionType: devopsHosts,
                .sessionShare: devopsHosts,
                .sessionLink: devopsHosts,
                .sessionModerate: devopsHosts,
                .hostView: .anywhere,
                .hostUse: devopsHosts,
                .hostAdd: .anywhere,
                .hostEdit: .ownHosts,
                .hostProbe: .anywhere,
                .auditRead: .anywhere,
                .recordingView: devopsHosts.or(.invited),
                .recordingExport: devopsHosts,
                .fileRead: devopsHosts,
                .fileWrite: devopsHosts,
            ],
            "ml-ops": [
                .sessionStart: gpuHosts,
                .sessionView: .invited,
                .sessionType: gpuHosts,
                .sessionShare: gpuHosts,
                .sessionLink: gpuHosts,
                .sessionModerate: gpuHosts,
                .hostView: .anywhere,
                .hostUse: gpuHosts,
                .hostAdd: gpuHosts,
                .hostEdit: gpuHosts,
                .hostProbe: .anywhere,
                .recordingView: gpuHosts.or(.invited),
                .recordingExport: gpuHosts,
                .fileRead: gpuHosts,
                .fileWrite: gpuHosts,
            ],
            "guest": [
                .sessionView: .invited,
                .auditRead: .anywhere,
                .recordingView: .invited,
                .fileRead: .invited,
            ],
        ])
    }()

    /// Whether `subject` may do it to `object`.
    ///
    /// - Parameter object: nil for what has no object; a permission that reaches only some hosts is then refused.
    public func decide(_ subject: Subject, _ permission: Permission, on object: PolicyObject? = nil) -> Decision {
        guard let granted = grants[subject.role] else {
            return .refuse(missing: permission, reason: "The role \"\(subject.role)\" is not known here.")
        }
        guard let scope = granted[permission] else {
            let others = Self.roles.filter { grants[$0]?[permission] != nil }
            return .refuse(
                missing: permission,
                reason: "The role \(subject.role) may not \(permission.summary); "
                    + "\(others.joined(separator: ", ")) may (\(permission.rawValue)).")
        }
        guard scope.includes(object, for: subject) else {
            return .refuse(
                missing: permission,
                reason: "The role \(subject.role) may \(permission.summary) only \(scope.description) "
                    + "(\(permission.rawValue)).")
        }
        return .allow
    }

    /// What a role can do at least somewhere, for a face that hides what is never possible.
    public func permissions(of role: String) -> [Permission] {
        Permission.allCases.filter { grants[role]?[$0] != nil }
    }
}
