/// An agent's commands, shown where people watch and kept where they replay.
extension LiveSession {
    /// A command begins on a channel of its own.
    nonisolated func began(command: String, id: String, by name: String) {}

    /// It is over.
    nonisolated func finished(command: String, id: String, by name: String, state: String, exitCode: Int?) {}
}
