/// What the host told the terminal that is not part of the screen. Every text is bounded and free of control characters.
public enum ScreenEvent: Hashable, Sendable {
    case bell
    /// The window title changed (OSC 0 and 2).
    case title(String)
    /// OSC 7: where the shell is, usually a `file:` address. Host text: not to be trusted.
    case workingDirectory(String)
    /// OSC 52: the program asks to set the clipboard. `selection` holds the letters of the targets, `base64` the content.
    /// A question for the clipboard is never passed on.
    case clipboard(selection: String, base64: String)
    /// OSC 133: marks of shell integration: `A` prompt, `B` command, `C` output, `D;status` end of the command.
    case shellMark(String)
}
