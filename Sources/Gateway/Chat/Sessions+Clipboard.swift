import Audit
import Storage

/// Text on its way from one clipboard to another: offered by a person, taken by a tap, kept nowhere.
extension Sessions {
    /// For whom it is.
    public enum ClipboardAudience: Sendable, Hashable {
        /// The person's own other devices, wherever they sit.
        case ownDevices
        /// Everybody with an account at this session.
        case everybody
        case person(String)
    }

    /// What the others get. The page asks before the text goes anywhere.
    struct ClipboardOffer: Encodable, Sendable {
        let id: String
        let seatId: String
        let name: String
        let own: Bool
        let characters: Int
        let text: String
    }

    /// Bytes of an offer.
    static let clipboardLimit = 64 * 1024

    /// Offers text to other clipboards.
    /// - Returns: how many devices were told.
    /// - Throws: 422 `invalid`, 403 `no_seat`, 429 `too_many_attempts`.
    public func offerClipboard(
        _ text: String, in id: String, to audience: ClipboardAudience, seat: String, caller: Caller
    ) async throws(GatewayError) -> Int {
        let session = try await find(id, caller: caller)
        guard !text.isEmpty else { throw .invalid("text", "There is nothing to share.", hint: "Copy something first.") }
        guard text.utf8.count <= Self.clipboardLimit else {
            throw .invalid(
                "text", "The text is larger than \(Self.clipboardLimit / 1024) KiB.", hint: "Send it as a file.")
        }
        try await session.admitOffer(caller)
        let offer = ClipboardOffer(
            id: Identifier.make("clp"), seatId: seat, name: caller.name, own: audience == .ownDevices,
            characters: text.count, text: text)
        var reached = 0
        switch audience {
        case .ownDevices:
            for other in all { reached += await other.offer(offer, from: seat) { $0.userID == caller.userID } }
        case .everybody: reached = await session.offer(offer, from: seat) { $0.userID != caller.userID }
        case .person(let userID): reached = await session.offer(offer, from: seat) { $0.userID == userID }
        }
        // How much and to how many, never what: passwords are copied, too.
        services.recordSoon(
            event(
                session, caller, "clipboard.offer",
                ["characters": String(text.count), "devices": String(reached), "to": audience.words]))
        return reached
    }
}

extension Sessions.ClipboardAudience {
    fileprivate var words: String {
        switch self {
        case .ownDevices: "own devices"
        case .everybody: "everybody"
        case .person(let id): id
        }
    }
}

extension LiveSession {
    fileprivate func admitOffer(_ caller: Caller) throws(GatewayError) {
        guard hasSeat(caller), caller.kind != .guest else {
            throw GatewayError(
                "no_seat", status: 403, "The clipboard is shared by those who sit at this session.",
                hint: "Open the session first.")
        }
        guard admit(caller, \.offers) else {
            throw .tooManyAttempts("You offered your clipboard too often.", wait: .seconds(5))
        }
    }

    /// Tells the connected seats of people with an account that fit.
    fileprivate func offer(
        _ offer: Sessions.ClipboardOffer, from seat: String, _ fits: @Sendable (Caller) -> Bool
    ) -> Int {
        guard let note = SeatNote("clipboard.offer", offer) else { return 0 }
        var reached = 0
        for other in seats
        where other.isConnected && other.id != seat && other.caller.kind != .guest && fits(other.caller) {
            other.outlet?.send(.note(kind: note.kind, json: note.json))
            reached += 1
        }
        return reached
    }
}
