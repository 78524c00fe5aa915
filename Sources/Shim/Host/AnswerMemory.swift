import NIOConcurrencyHelpers
import SSHTools

/// What a person said once, for the connections to come. In memory alone.
final class AnswerMemory: Sendable {
    fileprivate let questions: any PersonQuestions
    fileprivate let password: String?
    /// By the question.
    fileprivate let known = NIOLockedValueBox<[String: String]>([:])

    /// - Parameter password: Answers whatever asks for a password, once in each attempt.
    init(_ questions: any PersonQuestions, password: String?) {
        self.questions = questions
        self.password = password
    }

    func attempt() -> AnswersOfAttempt { AnswersOfAttempt(self) }
}

/// The answers of one attempt to connect. One that was given and is asked for again was wrong: the person is asked.
final class AnswersOfAttempt: PersonQuestions {
    private struct State {
        var hasGivenPassword = false
        var given: Set<String> = []
        var typed: [String: String] = [:]
    }

    private let memory: AnswerMemory
    private let state = NIOLockedValueBox(State())

    init(_ memory: AnswerMemory) { self.memory = memory }

    func answer(_ prompt: PersonPrompt) async -> String? {
        guard Self.isSecret(prompt) else { return await memory.questions.answer(prompt) }
        if let password = memory.password, prompt.purpose != .passphrase {
            let isFirst = state.withLockedValue { state in
                defer { state.hasGivenPassword = true }
                return !state.hasGivenPassword
            }
            return isFirst ? password : nil
        }
        if let known = memory.known.withLockedValue({ $0[prompt.text] }) {
            let isFirst = state.withLockedValue { $0.given.insert(prompt.text).inserted }
            if isFirst { return known }
        }
        let typed = await memory.questions.answer(prompt)
        if let typed { state.withLockedValue { $0.typed[prompt.text] = typed } }
        return typed
    }

    func tell(_ text: String) async { await memory.questions.tell(text) }

    /// The connection stands: what was typed for it was right.
    func keep() {
        let typed = state.withLockedValue { $0.typed }
        memory.known.withLockedValue { $0.merge(typed) { _, new in new } }
    }

    /// Codes that are good once are asked for each time.
    private static func isSecret(_ prompt: PersonPrompt) -> Bool {
        guard !prompt.isShown else { return false }
        switch prompt.purpose {
        case .password, .passphrase: return true
        case .hostQuestion: return prompt.text.lowercased().contains("password")
        case .hostKey, .confirmation: return false
        }
    }
}
