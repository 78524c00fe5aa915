import Foundation
import NIOCore

/// Who is told something beside the terminal.
public enum NoteAudience: Sendable {
    case everybody
    /// People with an account: nobody who came by a link alone.
    case signedIn
    case seat(String)
    /// Every seat of one person: all their devices.
    case person(String)
    /// Everybody but one seat: the one that it came from.
    case others(than: String)

    func includes(_ seat: Seat) -> Bool {
        switch self {
        case .everybody: true
        case .signedIn: seat.caller.kind != .guest
        case .seat(let id): seat.id == id
        case .person(let id): seat.caller.userID == id
        case .others(let id): seat.id != id
        }
    }
}

/// A value on its way to seats: encoded once, however many read it.
public struct SeatNote: Sendable {
    /// What it is about, such as `chat.message`; at most 64 bytes.
    public let kind: String
    public let json: String

    /// - Returns: nil when the value cannot be written as JSON.
    public init?(_ kind: String, _ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return nil }
        self.kind = kind
        self.json = String(decoding: data, as: UTF8.self)
    }
}

/// What travels beside the terminal on the seats' own connections.
extension LiveSession {
    /// Tells connected seats something. Seats that are away are not told later: what lasts is sent when they attach.
    public func tell(_ note: SeatNote, to audience: NoteAudience = .everybody) {
        for seat in seats where audience.includes(seat) { seat.outlet?.send(.note(kind: note.kind, json: note.json)) }
    }

    /// Encodes and tells; a value that JSON has no words for is told to nobody.
    public func tell(_ kind: String, _ value: some Encodable & Sendable, to audience: NoteAudience = .everybody) {
        if let note = SeatNote(kind, value) { tell(note, to: audience) }
    }
}

/// What a seat's page says beside the terminal.
extension LiveSession {
    /// Somebody is typing, in the terminal or in the chat.
    struct Typing: Encodable, Sendable {
        let seatId: String
        let userId: String
        let name: String
        /// `terminal` or `chat`.
        let place: String
    }

    private struct Attention: Decodable {
        let looking: Bool
    }
    private struct KnownChat: Decodable {
        let after: String?
    }
    private struct SeatName: Decodable {
        let seatId: String
    }

    /// Takes a note of a seat's page. What is not known here, too much or not readable is left out.
    public func noted(seat id: String, kind: String, json: String) {
        guard let index = seatIndex(id), state != .ended, admit(seats[index].caller, \.notes) else { return }
        switch kind {
        case "attention":
            guard let attention: Attention = Self.value(json) else { return }
            guard seats[index].isInForeground != attention.looking else { return }
            seats[index].isInForeground = attention.looking
            stateChanged(within: .milliseconds(50))
        case "typing": tellTyping(index, "chat")
        case "chat.sync":
            guard let known: KnownChat = Self.value(json) else { return }
            tell("chat.history", chat.history(after: known.after), to: .seat(id))
        case "keyboard.decline":
            guard let asking: SeatName = Self.value(json) else { return }
            declineRequest(by: id, of: asking.seatId)
        default: break
        }
    }

    private static func value<Value: Decodable>(_ json: String) -> Value? {
        try? JSONDecoder().decode(Value.self, from: Data(json.utf8))
    }

    /// Others see who types, once a second at most. In a large audience nobody looks for it.
    func noticeTyping(by id: String) {
        guard seats.count > 1, seats.count <= 32 else { return }
        let now = NIODeadline.now()
        if let told = typingToldAt[id], now - told < .seconds(1) { return }
        if typingToldAt.count > 64 { typingToldAt = [:] }
        typingToldAt[id] = now
        // After the key stroke itself is on its way.
        eventLoop.execute {
            self.assumeIsolated { session in
                if let index = session.seatIndex(id) { session.tellTyping(index, "terminal") }
            }
        }
    }

    private func tellTyping(_ index: Int, _ place: String) {
        let seat = seats[index]
        tell(
            "typing", Typing(seatId: seat.id, userId: seat.caller.userID, name: seat.caller.name, place: place),
            to: .others(than: seat.id))
    }
}
