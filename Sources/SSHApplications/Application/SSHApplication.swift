// Words and key lookups are part of this module's interface: `import SSHApplications` is enough.

public import SSH
@_exported public import SSHDispatch

/// A program that people reach by `ssh name@host`, written as one function: it gets who came, from where, with which
/// command, on a terminal or without one, and returns how it ended.
///
/// The same application stands behind our own server (``SSHServerHandlers/serve(_:name:identify:)``), behind OpenSSH's as
/// a forced command, and as an account's login shell (``StandardVisit``).
///
/// ```swift
/// struct Hello: SSHApplication {
///     func run(_ visit: ApplicationVisit) async throws -> CommandResult.Exit {
///         try await visit.print("Hello, \(visit.identity.person ?? "stranger")")
///         return .status(0)
///     }
/// }
/// ```
public protocol SSHApplication: Sendable {
    /// Serves one visit. The task is cancelled when the client goes away.
    ///
    /// - Throws: ``ApplicationFailure``, which is said to the person and sets the exit status; anything else is a fault
    ///   of the application's own, and the status is 70.
    func run(_ visit: ApplicationVisit) async throws -> CommandResult.Exit
}

/// An application that is one closure.
public struct ApplicationClosure: SSHApplication {
    private let body: @Sendable (ApplicationVisit) async throws -> CommandResult.Exit

    public init(_ body: @escaping @Sendable (ApplicationVisit) async throws -> CommandResult.Exit) { self.body = body }

    public func run(_ visit: ApplicationVisit) async throws -> CommandResult.Exit { try await body(visit) }
}
