import NIOConcurrencyHelpers
import SSHTools

/// What a person said once, for the connections to come. In memory alone.
final class AnswerMemory: Sendable {
    /// By the question.
    fileprivate let known = NIOLockedValueBox<[String: String]>([:])

    func attempt() -> AnswersOfAttempt { AnswersOfAttempt(self) }
}

/// The answers of one attempt to connect. One that was given and is asked for again was wrong: the person is asked.
final class AnswersOfAttempt: Sendable {
    private struct State {
        var given: Set<String> = []
        var typed: [String: String] = [:]
    }

    private let memory: AnswerMemory
    private let state = NIOLockedValueBox(State())

    init(_ memory: AnswerMemory) { self.memory = memory }

    /// Blocks while the person types; nil when there is nobody.
    func secret(_ question: String) -> String? {
        // A code that is good once would be wrong the next time, and cost an attempt.
        let mayBeKept = question.hasPrefix("Passphrase") || question.lowercased().contains("password")
        if mayBeKept, let known = memory.known.withLockedValue({ $0[question] }),
            state.withLockedValue({ $0.given.insert(question).inserted })
        {
            return known
        }
        guard PersonTerminal.asks, let bytes = try? PersonTerminal.secret(question) else { return nil }
        let answer = String(decoding: bytes, as: UTF8.self)
        if mayBeKept { state.withLockedValue { $0.typed[question] = answer } }
        return answer
    }

    /// The connection stands: what was typed for it was right.
    func keep() {
        let typed = state.withLockedValue { $0.typed }
        memory.known.withLockedValue { $0.merge(typed) { _, new in new } }
    }
}
