import NIOCore
import Testing

@testable import Gateway

struct OutputBudgetTests {
    private func command(_ budget: OutputBudget, maxBytes: Int) -> AgentCommand {
        AgentCommand(
            sessionID: "ses", agent: Agent(id: "agt_1", name: "claude", ownerID: "usr", address: ""),
            request: ExecRequest(command: "x", input: [1, 2, 3], view: CommandViewOptions(maxBytes: maxBytes)),
            text: "x",
            budget: budget, onFinish: { _ in })
    }

    @Test("commands that want to keep much keep no more together than their session may")
    func together() {
        let budget = OutputBudget(limit: 1 << 20)
        let commands = (0..<20).map { _ in command(budget, maxBytes: 4 << 20) }
        let piece = ByteBuffer(repeating: 0x61, count: 64 << 10).readableBytesView
        for _ in 0..<20 { for command in commands { command.write(piece, isError: false) } }
        let kept = commands.reduce(0) { $0 + $1.keptBytes }
        #expect(kept <= (1 << 20) + 20 * (64 << 10) + 20 * CommandOutput.least)
        for command in commands { #expect(command.written == 20 * (64 << 10)) }
        let shown = commands[0].state.standardOutput.shown(first: 10, last: 10)
        #expect(shown.count == 20 && shown.omitted != nil)
    }

    @Test("input is kept until it is sent, and not with what is remembered")
    func input() {
        let command = command(OutputBudget(limit: 1), maxBytes: 256)
        #expect(command.request.input == nil && command.pendingInput == 3)
        #expect(command.takeInput() == [1, 2, 3] && command.pendingInput == 0)
    }
}
