import NIOCore
import Storage
import Terminal

/// What somebody who takes a session over has to know, put together by the server from what it saw itself.
public struct HandoffBrief: Sendable, Encodable {
    public struct Command: Sendable, Encodable {
        /// Seconds since the session began.
        public let time: Double
        public let by: String
        public let text: String
        /// As the host said it; nil where it says nothing.
        public let exitStatus: Int?
    }
    public struct Remark: Sendable, Encodable {
        public let time: Double
        public let by: String
        public let text: String
    }
    public struct File: Sendable, Encodable {
        public let time: Double
        public let by: String
        public let operation: String
        public let path: String
        public let size: Int64?
    }

    public let startedAt: String
    /// How long the session runs, in seconds.
    public let seconds: Int
    public let people: [String]
    public let title: String
    /// The newest commands, oldest first, and how many came before them.
    public let commands: [Command]
    public let earlierCommands: Int
    /// The lines on the screen, without empty ones at the end.
    public let screen: [String]
    public let chat: [Remark]
    public let files: [File]
}

extension LiveSession {
    private static let briefCommands = 40
    private static let briefRemarks = 30
    private static let briefFiles = 30

    /// What happened here so far.
    func brief() -> HandoffBrief {
        var lines = screen.text
        while lines.last?.isEmpty == true { lines.removeLast() }
        let commands = journal.entries.suffix(Self.briefCommands)
        let people = [owner.name] + participants.map(\.name) + seats.map(\.caller.name)
        return HandoffBrief(
            startedAt: origin.startedAt.iso8601, seconds: Int(recorder.elapsed / 1_000_000),
            people: people.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }, title: screen.title,
            commands: commands.map {
                .init(time: Self.seconds($0.at), by: $0.by, text: $0.text, exitStatus: $0.exitStatus)
            },
            earlierCommands: journal.dropped + journal.entries.count - commands.count,
            screen: lines.map { String($0.prefix(400)) },
            chat: chat.messages.suffix(Self.briefRemarks).map {
                .init(time: $0.time, by: $0.author.name, text: $0.text)
            },
            files: journal.files.suffix(Self.briefFiles).map {
                .init(time: Self.seconds($0.at), by: $0.by, operation: $0.operation, path: $0.path, size: $0.size)
            })
    }

    private static func seconds(_ microseconds: Int64) -> Double { Double(microseconds / 1000) / 1000 }

    /// Another person answers for this session from now on, and gets the keyboard. Whose it was stays, with control.
    func handOver(to person: SessionView.Person) {
        guard state != .ended, person.id != owner.id else { return }
        let before = owner
        belongs(to: person)
        participants.removeAll { $0.userId == person.id }
        participants.append(.init(userId: before.id, name: before.name, mode: .control))
        mark("handed the session to \(person.name)", by: before.name)
        pendingTransfer = nil
        reauthorise(userID: before.id)
        reauthorise(userID: person.id)
        let seat = seats.first { $0.caller.userID == person.id && $0.isConnected && $0.mode == .control }
        if let seat {
            if (try? lease.take(seat.holder, mayType: true)) == true { keyboardChanged() }
        } else if lease.holder?.userId == before.id {
            // It waits for the new owner, who gets it on arrival.
            dropKeyboard()
        }
        tellAll(
            .notice(
                code: "handed_over", sentence: "\(person.name) is responsible for this session now.",
                hint: "\(before.name) handed it over."))
        stateChanged()
    }
}
