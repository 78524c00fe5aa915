public import SSH

/// Goes about an application: it may look at the visit, change it, refuse it by throwing, or call the next one.
public typealias ApplicationMiddleware =
    @Sendable (ApplicationVisit, _ next: any SSHApplication) async throws -> CommandResult.Exit

/// Several applications behind one door. The name that the client connected as chooses one, which takes the whole
/// command; for any other name the command's first word does.
///
/// ```swift
/// var router = ApplicationRouter()
/// router.add("hello", Hello())
/// router.add("builds", Builds(service))
/// router.use(ApplicationRouter.knownPeopleOnly)
/// ```
public struct ApplicationRouter: SSHApplication {
    private var applications: [(name: String, application: any SSHApplication)] = []
    /// Outermost first.
    private var middleware: [ApplicationMiddleware] = []

    public init() {}

    /// Adds an application, or takes the place of the one with this name.
    public mutating func add(_ name: String, _ application: any SSHApplication) {
        applications.removeAll { $0.name == name }
        applications.append((name, application))
    }

    /// Puts something about all applications. What is added first is outermost.
    public mutating func use(_ middleware: @escaping ApplicationMiddleware) { self.middleware.append(middleware) }

    /// In the order in which they were added.
    public var names: [String] { applications.map(\.name) }

    public func run(_ visit: ApplicationVisit) async throws -> CommandResult.Exit {
        let routed: any SSHApplication = ApplicationClosure { visit in
            let (application, visit) = try choose(visit)
            return try await application.run(visit)
        }
        let layered = middleware.reversed().reduce(routed) { next, layer in
            ApplicationClosure { try await layer($0, next) }
        }
        return try await layered.run(visit)
    }

    private func choose(_ visit: ApplicationVisit) throws -> (any SSHApplication, ApplicationVisit) {
        if let own = applications.first(where: { $0.name == visit.identity.login }) { return (own.application, visit) }
        let list = "There are: \(names.joined(separator: ", "))."
        guard let first = visit.arguments?.first else {
            throw ApplicationFailure.usage("Say which application you want.", hint: list)
        }
        guard let chosen = applications.first(where: { $0.name == first }) else {
            throw ApplicationFailure.usage("There is no application “\(first)”.", hint: list)
        }
        return (chosen.application, visit.droppingFirstArgument())
    }

    /// Refuses whoever is not known, and says how to become known.
    public static let knownPeopleOnly: ApplicationMiddleware = { visit, next in
        guard visit.identity.person == nil else { return try await next.run(visit) }
        guard let line = visit.identity.key?.authorizedKeysLine() else {
            throw ApplicationFailure.refused(
                "Nobody is known by this key.", hint: "Ask who runs this service to register it.")
        }
        throw ApplicationFailure.refused(
            "Nobody is known by this key yet.",
            hint: "Send this line to whoever runs this service, and come again when it is registered:\n\(line)")
    }
}
