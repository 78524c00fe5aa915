import Foundation

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
