// What may be received when. Everything that is not named here is refused, and the connection ends with it: acting on a
// message in the wrong state is how servers and clients were broken before (CVE-2018-10933, CVE-2023-48795,
// CVE-2025-32433).

/// Which end of a connection we are.
public enum ConnectionRole: Sendable, Hashable, CaseIterable {
    case client
    case server
}

/// What a connection is doing, as far as it decides what may be received.
enum AdmissionState: Sendable, Hashable, CaseIterable {
    /// Before the peer's first KEXINIT.
    case firstInit
    /// First key exchange: the method's messages are due.
    case firstExchange
    /// First key exchange: NEWKEYS is due.
    case firstNewKeys
    /// The same two with strict key exchange: nothing else may come, not even IGNORE.
    case strictFirstExchange
    case strictFirstNewKeys
    /// Keys are in force; the authentication service is not granted yet.
    case service
    case authentication
    case connected
    /// A later key exchange: both KEXINIT are out.
    case laterExchange
    case laterNewKeys
    /// The connection is over.
    case closed

    fileprivate var isStrictFirst: Bool { self == .strictFirstExchange || self == .strictFirstNewKeys }

    fileprivate var isExchange: Bool {
        self == .firstExchange || self == .strictFirstExchange || self == .laterExchange
    }

    fileprivate var isNewKeys: Bool { self == .firstNewKeys || self == .strictFirstNewKeys || self == .laterNewKeys }

    /// No key exchange is in progress and the first one is over.
    fileprivate var isQuiet: Bool { self == .service || self == .authentication || self == .connected }
}

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
        case 0...49: return transport(message, role, state)
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
        // SERVICE_REQUEST 5 — server; requires: keys in force, no service granted; then: authentication.
        case 5: role == .server && state == .service ? .handle : .refuse
        // SERVICE_ACCEPT 6 — client; requires: our request is out; then: authentication.
        case 6: role == .client && state == .service ? .handle : .refuse
        // EXT_INFO 7 — client: after the first NEWKEYS and until USERAUTH_SUCCESS (RFC 8308 §2.4);
        // server: after the first NEWKEYS alone.
        case 7:
            state == .service || role == .client && state == .authentication ? .handle : .refuse
        // KEXINIT 20 — both; requires: none within the exchange in progress; then: exchange.
        case 20: state == .firstInit || state.isQuiet ? .handle : .refuse
        // NEWKEYS 21 — both; requires: the exchange is complete.
        case 21: state.isNewKeys ? .handle : .refuse
        // KEX_ECDH_INIT 30 — server; requires: exchange.
        case 30: role == .server && state.isExchange ? .handle : .refuse
        // KEX_ECDH_REPLY 31 — client; requires: exchange; then: NEWKEYS after the host key is accepted.
        case 31: role == .client && state.isExchange ? .handle : .refuse
        // 8–19, 22–29 — unassigned; answered, except where nothing but key exchange may come.
        case 8...19, 22...29: state.isQuiet ? .unimplemented : .refuse
        // 0 is no message; 32–49 belong to key exchange methods that we do not have.
        default: .refuse
        }
    }

    private static func authentication(
        _ message: UInt8, _ role: ConnectionRole, _ state: AdmissionState
    ) -> Admission {
        switch (role, message) {
        // USERAUTH_REQUEST 50 — server; requires: authentication; after success it is read past (RFC 4252 §5.1).
        case (.server, 50): state == .authentication ? .handle : state == .connected ? .ignore : .refuse
        // USERAUTH_FAILURE 51, SUCCESS 52, BANNER 53 — client; requires: authentication.
        // A SUCCESS that nobody asked for is the oldest trick; a server that gets one refuses.
        case (.client, 51), (.client, 52), (.client, 53): state == .authentication ? .handle : .refuse
        // 54–59 — unassigned.
        case (_, 54...59): state == .authentication ? .unimplemented : .refuse
        // 60 — client; requires: authentication; INFO_REQUEST or PASSWD_CHANGEREQ, as the attempt says.
        case (.client, 60): state == .authentication ? .handle : .refuse
        // USERAUTH_INFO_RESPONSE 61 — server; requires: authentication.
        case (.server, 61): state == .authentication ? .handle : .refuse
        // 62–79 belong to methods that we do not have.
        default: .refuse
        }
    }

    private static func connection(_ message: UInt8, _ state: AdmissionState) -> Admission {
        switch message {
        // GLOBAL_REQUEST 80, its answers 81–82, channels 90–100 — both; requires: authenticated, and not between the
        // peer's KEXINIT and its NEWKEYS.
        case 80...82, 90...100: state == .connected ? .handle : .refuse
        // 83–89, 101–127 — unassigned.
        default: state == .connected ? .unimplemented : .refuse
        }
    }

    private static func local(_ message: UInt8, _ state: AdmissionState) -> Admission {
        switch message {
        // PING 192 — both; requires: authenticated (answering before is a lever, CVE-2025-26466).
        case 192: state == .connected ? .handle : .refuse
        // PONG 193 — both; we send no PING, so it answers nothing.
        case 193: state == .connected ? .ignore : .refuse
        // 128–191, 194–255 — local extensions that we do not have.
        default: state == .connected ? .unimplemented : .refuse
        }
    }
}
