/// Asks for a passphrase at the controlling terminal, wherever standard input and output lead; it is not shown.
enum PassphraseQuestion {
    /// Without a terminal SSH_ASKPASS is asked. Throws when nobody answers.
    static func ask(_ question: String) throws(Failure) -> [UInt8] {
        guard let answer = TerminalQuestions().ask(PersonPrompt(.passphrase, question, isShown: false)) else {
            throw Failure(
                "A passphrase is needed, and there is no terminal to ask at.",
                hint: "Give it with --passphrase-file, or name a program that asks in SSH_ASKPASS.")
        }
        return Array(answer.utf8)
    }
}
