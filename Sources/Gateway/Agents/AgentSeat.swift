import NIOConcurrencyHelpers
import NIOCore
import Storage

/// An agent's end of its seat: where a person's page has a socket, an agent has the session's own log and transcript to
/// read from, and this tells it when there is something.
final class AgentSeat: SeatOutlet {
    private struct State {
        var refusal: (code: String, sentence: String)?
        var controlSince = Timestamp.now()
        var epoch = 0
        var ending: SessionEnding?
        var isRemoved = false
        var outputAt = NIODeadline.now()
    }

    /// Output came, or the keyboard changed hands, or the session ended.
    let changes = ChangeSignal()
    private let box = NIOLockedValueBox(State())
    private let onControl: @Sendable (AgentSeat, KeyboardLease.Holder?) -> Void
    private let onEnd: @Sendable (AgentSeat, SessionEnding?) -> Void
    private let acknowledgement = NIOLockedValueBox(Acknowledgement())

    /// A function in a generic box is wrapped once more by each look at it, until calling it has no stack left; one in a structure is not.
    private struct Acknowledgement {
        var tell: @Sendable (UInt64) -> Void = { _ in }
    }

    /// - Parameters:
    ///   - onControl: the keyboard has another holder.
    ///   - onEnd: the session ended, or, with nil, the seat was taken away.
    init(
        onControl: @escaping @Sendable (AgentSeat, KeyboardLease.Holder?) -> Void,
        onEnd: @escaping @Sendable (AgentSeat, SessionEnding?) -> Void
    ) {
        self.onControl = onControl
        self.onEnd = onEnd
    }

    /// Sets how the seat says that it has read the output.
    func acknowledges(_ body: @escaping @Sendable (UInt64) -> Void) {
        acknowledgement.withLockedValue { $0.tell = body }
    }

    var controlSince: Timestamp { box.withLockedValue { $0.controlSince } }
    var ending: SessionEnding? { box.withLockedValue { $0.ending } }
    var isRemoved: Bool { box.withLockedValue { $0.isRemoved } }
    /// When the host wrote last.
    var outputAt: NIODeadline { box.withLockedValue { $0.outputAt } }

    /// Why the door refused what was typed last, once.
    func takeRefusal() -> (code: String, sentence: String)? {
        box.withLockedValue { state in
            defer { state.refusal = nil }
            return state.refusal
        }
    }

    func send(_ message: SeatMessage) {
        switch message {
        case .pieces(let pieces):
            // The agent reads from the session's log whenever it likes: nothing is in flight to it.
            guard
                case .output(let offset, let bytes)? = pieces.last(where: {
                    if case .output = $0 { true } else { false }
                })
            else { return }
            box.withLockedValue { $0.outputAt = .now() }
            acknowledgement.withLockedValue { $0 }.tell(offset + UInt64(bytes.readableBytes))
            changes.changed()
        case .state(let seen):
            let keyboard = seen.session.keyboard
            let isNew = box.withLockedValue { state in
                guard state.epoch != keyboard.epoch else { return false }
                state.epoch = keyboard.epoch
                state.controlSince = .now()
                return true
            }
            if isNew {
                onControl(self, keyboard.holder)
                changes.changed()
            }
        case .inputRefused(_, let code, let sentence):
            box.withLockedValue { $0.refusal = (code, sentence) }
        case .ended(let ending):
            box.withLockedValue { $0.ending = ending }
            changes.changed()
            onEnd(self, ending)
        case .removed:
            box.withLockedValue { $0.isRemoved = true }
            changes.changed()
            onEnd(self, nil)
        default: break
        }
    }
}
