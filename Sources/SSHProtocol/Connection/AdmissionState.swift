/// Which end of a connection we are.
public enum ConnectionRole: Sendable, Hashable, CaseIterable {
    case client
    case server
}

/// What a connection is doing, as far as it decides what may be received.
enum AdmissionState: Sendable, Hashable, CaseIterable {
    /// What a key exchange waits for.
    enum Due: Sendable, Hashable, CaseIterable {
        /// The peer's wrong guess, whatever it is (RFC 4253 §7).
        case guess
        /// The client's share, or the server's share and proof.
        case share
        /// The request for a group, or the group (RFC 4419 §3).
        case group
        /// The same as `share`, in the group.
        case groupShare
        case newKeys
    }

    /// Which of a connection's key exchanges it is.
    enum Exchange: Sendable, Hashable, CaseIterable {
        case first
        /// The first one with strict key exchange: nothing else may come, not even IGNORE.
        case strictFirst
        /// A later one, and what of ours was out when it began: the answers may cross the peer's KEXINIT.
        case later(Unanswered)

        static let allCases: [Exchange] = [.first, .strictFirst] + Unanswered.allCases.map { .later($0) }
    }

    enum Unanswered: Sendable, Hashable, CaseIterable {
        case nothing
        case requests
        case openings
        case requestsAndOpenings

        init(requests: Bool, openings: Bool) {
            switch (requests, openings) {
            case (false, false): self = .nothing
            case (true, false): self = .requests
            case (false, true): self = .openings
            case (true, true): self = .requestsAndOpenings
            }
        }
    }

    /// Before the peer's first KEXINIT.
    case firstInit
    /// Both KEXINIT are out.
    case exchange(Due, Exchange)
    /// Keys are in force; the authentication service is not granted yet.
    case service
    case authentication
    /// Authentication, in the middle of a method that has messages of its own.
    case interaction
    case connected
    /// The connection is over.
    case closed

    static let allCases: [AdmissionState] =
        [.firstInit]
        + Exchange.allCases.flatMap { exchange in Due.allCases.map { .exchange($0, exchange) } }
        + [.service, .authentication, .interaction, .connected, .closed]
}
