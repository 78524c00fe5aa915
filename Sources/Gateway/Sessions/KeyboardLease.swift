/// Who may type: a lease with a holder and an epoch.
///
/// Take-over, hand-back, handoff and "view only" are all changes of this value or refusals to grant it. The epoch grows
/// with each change of holder, so that whoever acts on an old state can be told.
public struct KeyboardLease: Sendable, Equatable {
    /// The seat that may type, and the person behind it.
    public struct Holder: Sendable, Equatable, Codable {
        public let userId: String
        public let name: String
        public let seatId: String
    }

    /// Why a request for the keyboard was refused.
    public enum Refusal: Error, Sendable, Equatable {
        case viewOnly
        case heldBy(Holder)
        case notHolder
    }

    public private(set) var holder: Holder?
    public private(set) var epoch: Int = 0
    /// Set while the holder's seat has no connection; the lease is free for others from then on.
    public private(set) var graceEndsAt: Int64?

    public init() {}

    /// The seat takes the keyboard, whoever holds it: the change is visible to all.
    /// - Returns: whether anything changed.
    @discardableResult
    public mutating func take(_ candidate: Holder, mayType: Bool) throws(Refusal) -> Bool {
        guard mayType else { throw .viewOnly }
        guard holder != candidate else { return false }
        grant(candidate)
        return true
    }

    /// The door's question at each input: may this seat type now? An unheld keyboard goes to the first who types.
    /// - Parameter now: microseconds, the same clock as ``holderDisconnected(seat:until:)``.
    /// - Returns: whether the keyboard changed hands by this.
    @discardableResult
    public mutating func typing(_ candidate: Holder, mayType: Bool, now: Int64) throws(Refusal) -> Bool {
        guard mayType else { throw .viewOnly }
        if let holder {
            if holder.seatId == candidate.seatId { return false }
            // A person who types goes before an agent: the key that takes the keyboard is the first that counts.
            if !holder.isAgent || candidate.isAgent {
                guard let graceEndsAt, now >= graceEndsAt else { throw .heldBy(holder) }
            }
        }
        // An agent never picks up what nobody holds: a person who vanished did not hand the keyboard over.
        guard !candidate.isAgent else { throw .notHolder }
        grant(candidate)
        return true
    }

    /// The holder hands the keyboard to another seat, or, with nil, lets go of it.
    public mutating func give(from seatID: String, to candidate: Holder?, mayType: Bool) throws(Refusal) {
        guard holder?.seatId == seatID else { throw .notHolder }
        if let candidate {
            guard mayType else { throw .viewOnly }
            grant(candidate)
        } else {
            release()
        }
    }

    /// The holder's link is gone: the lease stays theirs until `until`, so that a phone in a tunnel loses nothing.
    public mutating func holderDisconnected(seat: String, until: Int64) {
        if holder?.seatId == seat { graceEndsAt = until }
    }

    /// The holder's link is back.
    public mutating func holderConnected(seat: String) {
        if holder?.seatId == seat { graceEndsAt = nil }
    }

    /// Takes the keyboard from a seat that left or lost the right to type.
    /// - Returns: whether anything changed.
    @discardableResult
    public mutating func revoke(seat: String) -> Bool {
        guard holder?.seatId == seat else { return false }
        release()
        return true
    }

    private mutating func grant(_ candidate: Holder) {
        holder = candidate
        epoch += 1
        graceEndsAt = nil
    }

    private mutating func release() {
        holder = nil
        epoch += 1
        graceEndsAt = nil
    }
}
