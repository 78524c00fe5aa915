import NIOCore
public import SSHKeys

/// An SSH agent of our own, for programs that speak the agent protocol: `ssh`, `ssh-add`, `git`.
///
/// ```swift
/// let agent = SSHAgentServer { question in await ask("Sign in with \(question.comment)?") }
/// _ = await agent.add(AgentKey(key), comment: "deploy")
/// let listener = try await agent.listen(at: folder + "/agent.sock")
/// setenv("SSH_AUTH_SOCK", listener.path, 1)
/// ```
///
/// Keys are in memory alone, and gone with the value. Whoever the key's constraint says is asked through `confirm`; that
/// request waits, others go on.
public actor SSHAgentServer {
    private var machine: AgentServerMachine
    private let confirm: @Sendable (AgentQuestion) async -> Bool
    private var expiry: Task<Void, Never>?

    /// - Parameters:
    ///   - machine: The agent's rules and limits.
    ///   - confirm: Asked before each signature with a key that was added with the confirm constraint. Without it such a
    ///     key never signs.
    public init(
        machine: AgentServerMachine = AgentServerMachine(),
        confirm: @escaping @Sendable (AgentQuestion) async -> Bool = { _ in false }
    ) {
        self.machine = machine
        self.confirm = confirm
    }

    deinit { expiry?.cancel() }

    /// Adds a key as the agent's owner. False when the agent is full.
    public func add(_ key: AgentKey, comment: String = "", constraints: AgentConstraints = .none) -> Bool {
        let isAdded = machine.add(key, comment: comment, constraints: constraints, now: .now())
        scheduleExpiry()
        return isAdded
    }

    public func removeAll() { machine.removeAll() }

    /// Keys that are there.
    public var count: Int {
        machine.expire(now: .now())
        return machine.count
    }

    public var isLocked: Bool { machine.isLocked }

    // MARK: Connections

    func connect() -> AgentServerMachine.ConnectionID { machine.connect() }

    func disconnect(_ id: AgentServerMachine.ConnectionID) { machine.disconnect(id) }

    /// The answer to one message of a connection; waits for the owner where the key says so, and for a lock's delay.
    func answer(_ message: [UInt8], from id: AgentServerMachine.ConnectionID) async -> [UInt8] {
        var outcome = machine.receive(message, from: id, now: .now())
        scheduleExpiry()
        if case .ask(let question) = outcome {
            let isAllowed = await confirm(question)
            outcome = machine.answer(isAllowed && !Task.isCancelled, of: question, now: .now())
        }
        switch outcome {
        case .answer(let answer, let delay):
            if delay > .zero { try? await Task.sleep(for: .nanoseconds(delay.nanoseconds)) }
            return answer
        case .ask:
            return AgentResponse.failure.encoded
        }
    }

    /// A key whose time is over goes at that time, not at the next request.
    private func scheduleExpiry() {
        expiry?.cancel()
        expiry = nil
        guard let next = machine.nextExpiry else { return }
        let delay = max((next - .now()).nanoseconds, 0)
        expiry = Task { [weak self] in
            try? await Task.sleep(for: .nanoseconds(delay))
            guard !Task.isCancelled else { return }
            await self?.forgetExpired()
        }
    }

    private func forgetExpired() {
        machine.expire(now: .now())
        scheduleExpiry()
    }
}
