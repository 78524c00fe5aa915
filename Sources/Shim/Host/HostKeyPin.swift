import NIOConcurrencyHelpers
import SSH

/// The key that the host had at the start: whatever the files say later, another one is refused.
final class HostKeyPin: Sendable {
    private let key = NIOLockedValueBox<SSHPublicKey?>(nil)

    struct Attempt: Sendable {
        fileprivate let pin: HostKeyPin
        private let shown = NIOLockedValueBox<SSHPublicKey?>(nil)

        fileprivate init(_ pin: HostKeyPin) { self.pin = pin }

        /// The key that will be asked for, where the host has several.
        var expected: SSHPublicKey? { pin.key.withLockedValue { $0 } }

        func verify(_ question: HostKeyQuestion) -> HostKeyAnswer {
            let key = question.publicKey
            shown.withLockedValue { $0 = key }
            guard let pinned = pin.key.withLockedValue({ $0 }), pinned != key else { return .accept }
            return .refuse(
                reason: "The host shows another key (\(key.fingerprint)) than when the shim started "
                    + "(\(pinned.fingerprint)).")
        }

        /// The connection stands: from now on it is this key.
        func keep() {
            let key = shown.withLockedValue { $0 }
            pin.key.withLockedValue { if $0 == nil { $0 = key } }
        }
    }

    func attempt() -> Attempt { Attempt(self) }
}
