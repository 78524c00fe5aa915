import Recording

/// An agent's commands, kept where they replay: they run on channels of their own, and would leave no trace in the
/// terminal's output.
extension LiveSession {
    /// A command is over.
    nonisolated func finished(command: String, by name: String, exitCode: Int?) {
        submit { session in
            guard session.state != .ended else { return }
            session.recorder.note(.command(by: name, command: command, exitCode: exitCode))
        }
    }
}
