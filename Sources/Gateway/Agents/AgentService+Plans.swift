import Audit
import NIOConcurrencyHelpers
import Storage

/// Plans: an agent says beforehand what it will do, and a person approves it as a whole.
extension AgentService {
    private static let stepLimit = 50

    /// What an agent wants to do, step by step.
    public struct PlannedStep: Sendable, Decodable {
        public var command: String
        public var purpose: String?
        /// The folder that it will run in; nil: the account's own.
        public var cwd: String?

        public init(command: String, purpose: String? = nil, cwd: String? = nil) {
            self.command = command
            self.purpose = purpose
            self.cwd = cwd
        }
    }

    /// Puts a plan before people. Steps that need no approval make no question; a plan of only such is approved at once.
    public func plan(_ id: String, goal: String, steps: [PlannedStep], _ agent: Agent) async throws(GatewayError)
        -> PlanView
    {
        let session = try await active(id, agent)
        guard (1...Self.stepLimit).contains(steps.count), goal.utf8.count <= 2000 else {
            throw .invalid("steps", "A plan has 1 to \(Self.stepLimit) steps and a goal.", hint: "Make several plans.")
        }
        var planned: [AgentPlan.Step] = []
        var classes: Set<String> = []
        for step in steps {
            _ = try ExecRequest(command: step.command, workingDirectory: step.cwd).text()
            let found = CommandClasses.of(step.command, at: .channel)
            let decision =
                switch decide(AgentDeed(step.command, folder: step.cwd), found, session, usingPlan: false) {
                case .run: "allow"
                case .ask: "ask"
                case .refuse: "deny"
                }
            classes.formUnion(found.names)
            planned.append(
                .init(
                    id: Identifier.make("stp"), command: step.command, folder: step.cwd,
                    purpose: String((step.purpose ?? "").prefix(500)),
                    classes: found.sorted, decision: decision))
        }
        var question: AgentApproval?
        if planned.contains(where: { $0.decision == "ask" }) {
            let text = planned.enumerated().map { number, step in
                "\(number + 1). \(step.command)" + (step.folder.map { "\n   in \($0)" } ?? "")
            }.joined(separator: "\n")
            question = AgentApproval(
                sessionID: id, agent: agent, kind: .plan, subject: text, deed: AgentDeed(text), commandID: nil,
                purpose: goal, classes: classes.sorted(), why: "The whole plan is to be approved at once.", now: clock()
            )
        }
        let plan = AgentPlan(
            id: Identifier.make("pln"), goal: goal, steps: planned, approvalID: question?.id,
            isApproved: question == nil)
        session.box.withLockedValue { $0.plans = Array(($0.plans + [plan]).suffix(20)) }
        if let question { open(question, session) }
        return view(plan)
    }

    /// A plan as it stands.
    public func plan(_ planID: String, wait: Duration = .zero, _ agent: Agent) async throws(GatewayError) -> PlanView {
        let found = try await waiting(on: board.changes, for: wait, agent) { () throws(GatewayError) -> PlanView? in
            let view = try findPlan(planID, agent)
            return view.status == "pending" ? nil : view
        }
        if let found { return found }
        return try findPlan(planID, agent)
    }

    private func findPlan(_ planID: String, _ agent: Agent) throws(GatewayError) -> PlanView {
        let sessions = board.read { $0.sessions.values.filter { $0.agent.id == agent.id } }
        for session in sessions {
            if let plan = session.state.plans.first(where: { $0.id == planID }) { return view(plan) }
        }
        throw .notFound("plan")
    }

    private func view(_ plan: AgentPlan) -> PlanView {
        let approval = plan.approvalID.flatMap { id in board.read { $0.approvals[id] } }
        return PlanView(
            planId: plan.id, goal: plan.goal, status: plan.isApproved ? "approved" : approval?.state.name ?? "expired",
            steps: plan.steps.map {
                .init(
                    id: $0.id, command: $0.command, cwd: $0.folder, purpose: $0.purpose, classes: $0.classes,
                    decision: $0.decision,
                    used: $0.isUsed)
            })
    }

    /// A person approved a plan.
    func adopt(plan approvalID: String, _ session: AgentSession) {
        session.box.withLockedValue { state in
            guard let index = state.plans.firstIndex(where: { $0.approvalID == approvalID }) else { return }
            state.plans[index].isApproved = true
        }
    }

    /// Uses up the first unused step of an approved plan that is exactly this: nobody was asked about input.
    static func takeStep(_ deed: AgentDeed, _ state: inout AgentSession.State) -> Bool {
        guard deed.input.isEmpty, !deed.isOpen else { return false }
        for plan in state.plans.indices where state.plans[plan].isApproved {
            for step in state.plans[plan].steps.indices
            where !state.plans[plan].steps[step].isUsed && state.plans[plan].steps[step].command == deed.text
                && state.plans[plan].steps[step].folder == deed.folder
            {
                state.plans[plan].steps[step].isUsed = true
                return true
            }
        }
        return false
    }

    /// A question and its answer.
    public func approval(_ id: String, wait: Duration = .zero, _ agent: Agent) async throws(GatewayError)
        -> ApprovalView
    {
        let found = try await waiting(on: board.changes, for: wait, agent) { () throws(GatewayError) -> ApprovalView? in
            let view = try findApproval(id, agent)
            return view.status == "pending" ? nil : view
        }
        if let found { return found }
        return try findApproval(id, agent)
    }

    private func findApproval(_ id: String, _ agent: Agent) throws(GatewayError) -> ApprovalView {
        guard let approval = board.read({ $0.approvals[id] }), approval.agent.id == agent.id else {
            throw .notFound("approval")
        }
        var view = ApprovalView(approval)
        view.reason = view.reason.map { words($0) }
        view.decidedBy = view.decidedBy.map { words($0) }
        return view
    }
}
