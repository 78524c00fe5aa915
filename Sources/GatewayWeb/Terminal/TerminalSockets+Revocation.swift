import Gateway

extension TerminalSockets {
    /// Closes the sockets of who just lost the right to have one; a changed role is the session's matter, seat by seat.
    public func close(after revocation: Revocation) {
        switch revocation {
        case .user(let id): close(where: { $0.userID == id }, reason: "This account's sign-ins have ended.")
        case .signIn(let id, _): close(where: { $0.signInID == id }, reason: "This sign-in has ended.")
        case .roleChanged: break
        }
    }
}
