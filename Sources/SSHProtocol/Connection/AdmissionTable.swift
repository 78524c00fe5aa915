// What may be received when. Everything that is not named here is refused, and the connection ends with it: acting on a
// message in the wrong state is how servers and clients were broken before (CVE-2018-10933, CVE-2023-48795,
// CVE-2025-32433).

/// What is done with a message.
enum Admission: Sendable, Hashable {
    case handle
    /// Read past.
    case ignore
    /// Answered with SSH_MSG_UNIMPLEMENTED (RFC 4253 §11.4).
    case unimplemented
    /// Ends the connection.
    case refuse
}

enum AdmissionTable {
    static func admission(of message: UInt8, role: ConnectionRole, state: AdmissionState) -> Admission {
        if state == .closed { return .ignore }
        switch message {
        case 0...29: return transport(message, role, state)
        case 30...49: return keyExchange(message, role, state)
        case 50...79: return authentication(message, role, state)
        case 80...127: return connection(message, state)
        default: return local(message, state)
        }
    }

    private static func transport(_ message: UInt8, _ role: ConnectionRole, _ state: AdmissionState) -> Admission {
        switch message {
        // DISCONNECT 1 — both; requires: nothing; the connection ends.
        case 1: .handle
        // IGNORE 2, UNIMPLEMENTED 3, DEBUG 4 — both; requires: not the first exchange under strict order.
        case 2, 3, 4: state.isStrictFirst ? .refuse : .ignore
        // SERVICE_REQUEST 5 — server; requires: keys in force, not authenticated; then: authentication. Some clients ask
        // again before each attempt.
        case 5: role == .server && (state == .service || state.isAuthentication) ? .handle : .refuse
        // SERVICE_ACCEPT 6 — client; requires: our request is out; then: authentication.
        case 6: role == .client && state == .service ? .handle : .refuse
        // EXT_INFO 7 — client: after the first NEWKEYS and until USERAUTH_SUCCESS (RFC 8308 §2.4);
        // server: after the first NEWKEYS alone.
        case 7:
            state == .service || role == .client && state.isAuthentication ? .handle : .refuse
        // KEXINIT 20 — both; requires: none within the exchange in progress; then: exchange.
        case 20: state == .firstInit || state.isQuiet ? .handle : .refuse
        // NEWKEYS 21 — both; requires: the exchange is complete.
        case 21: state.due == .newKeys ? .handle : .refuse
        // 8–19, 22–29 — unassigned; answered, except where nothing but key exchange may come.
        case 8...19, 22...29: state.isQuiet ? .unimplemented : .refuse
        // 0 is no message.
        default: .refuse
        }
    }

    private static func keyExchange(_ message: UInt8, _ role: ConnectionRole, _ state: AdmissionState) -> Admission {
        switch (state.due, role, message) {
        // Any — both; requires: a wrong guess is due; read past, once.
        case (.guess, _, _): .handle
        // KEX_ECDH_INIT, KEXDH_INIT 30 — server; requires: exchange; then: NEWKEYS.
        case (.share, .server, 30): .handle
        // KEX_ECDH_REPLY, KEXDH_REPLY 31 — client; requires: exchange; then: NEWKEYS after the host key is accepted.
        case (.share, .client, 31): .handle
        // KEX_DH_GEX_REQUEST 34 — server; requires: exchange with a group; then: the group is out.
        case (.group, .server, 34): .handle
        // KEX_DH_GEX_GROUP 31 — client; requires: our request is out; then: our share is out.
        case (.group, .client, 31): .handle
        // KEX_DH_GEX_INIT 32 — server; requires: the group is out; then: NEWKEYS.
        case (.groupShare, .server, 32): .handle
        // KEX_DH_GEX_REPLY 33 — client; requires: our share is out; then: NEWKEYS after the host key is accepted.
        case (.groupShare, .client, 33): .handle
        // 35–49 belong to key exchange methods that we do not have; 30 as the old request of RFC 4419 §5 is one of them.
        default: .refuse
        }
    }

    private static func authentication(
        _ message: UInt8, _ role: ConnectionRole, _ state: AdmissionState
    ) -> Admission {
        switch (role, message) {
        // USERAUTH_REQUEST 50 — server; requires: authentication; after success it is read past (RFC 4252 §5.1).
        case (.server, 50): state.isAuthentication ? .handle : state == .connected ? .ignore : .refuse
        // USERAUTH_FAILURE 51, SUCCESS 52, BANNER 53 — client; requires: authentication.
        // A SUCCESS that nobody asked for is the oldest trick; a server that gets one refuses.
        case (.client, 51), (.client, 52), (.client, 53): state.isAuthentication ? .handle : .refuse
        // 54–59 — unassigned.
        case (_, 54...59): state.isAuthentication ? .unimplemented : .refuse
        // 60 — client; requires: a method that has it: PK_OK, PASSWD_CHANGEREQ or INFO_REQUEST, as the attempt says.
        case (.client, 60): state == .interaction ? .handle : .refuse
        // USERAUTH_INFO_RESPONSE 61 — server; requires: questions of ours are out.
        case (.server, 61): state == .interaction ? .handle : .refuse
        // 62–79 belong to methods that we do not have (RFC 4462: 63–66).
        default: .refuse
        }
    }

    private static func connection(_ message: UInt8, _ state: AdmissionState) -> Admission {
        switch message {
        // REQUEST_SUCCESS 81, REQUEST_FAILURE 82 — both; requires: authenticated; between the peer's KEXINIT and its
        // NEWKEYS only to a request of ours. RFC 4253 §7.1 forbids that too, but paramiko answers there. This and the next
        // are the exceptions: the answer is protected by the old keys, there are never more answers than questions, and
        // none of them makes us say anything. OpenSSH before 10.4 takes any message there.
        case 81, 82: state == .connected || state.mayCross(.requests) ? .handle : .refuse
        // CHANNEL_OPEN_CONFIRMATION 91, CHANNEL_OPEN_FAILURE 92 — both; the same, to an opening of ours.
        case 91, 92: state == .connected || state.mayCross(.openings) ? .handle : .refuse
        // GLOBAL_REQUEST 80, channels 90, 93–100 — both; requires: authenticated, and not between the peer's KEXINIT and
        // its NEWKEYS.
        case 80, 90, 93...100: state == .connected ? .handle : .refuse
        // 83–89, 101–127 — unassigned.
        default: state == .connected ? .unimplemented : .refuse
        }
    }

    private static func local(_ message: UInt8, _ state: AdmissionState) -> Admission {
        switch message {
        // PING 192 — both; requires: authenticated (answering before is a lever, CVE-2025-26466).
        // PONG 193 — both; one that answers nothing is dropped.
        case 192, 193: state == .connected ? .handle : .refuse
        // 128–191, 194–255 — local extensions that we do not have.
        default: state == .connected ? .unimplemented : .refuse
        }
    }
}

extension AdmissionState {
    fileprivate var isStrictFirst: Bool {
        if case .exchange(_, .strictFirst) = self { return true }
        return false
    }

    /// Whether answers to such questions may come within a key exchange.
    fileprivate func mayCross(_ answers: Unanswered) -> Bool {
        guard case .exchange(_, .later(let unanswered)) = self else { return false }
        return unanswered == answers || unanswered == .requestsAndOpenings
    }

    fileprivate var due: Due? {
        guard case .exchange(let due, _) = self else { return nil }
        return due
    }

    fileprivate var isAuthentication: Bool { self == .authentication || self == .interaction }

    /// No key exchange is in progress and the first one is over.
    fileprivate var isQuiet: Bool { self == .service || isAuthentication || self == .connected }
}
