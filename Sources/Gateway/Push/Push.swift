import Audit
import Crypto
import Foundation
import Logging
import NIOConcurrencyHelpers
import Policy
import Storage
import Vault

/// Sends a request to a push service; tests put their own in its place.
typealias PushSending = @Sendable (PushRequest) async throws(PushFailure) -> PushAnswer

/// Tells people's devices by the web's own push: no account with anybody, and nothing that the push service can read.
public final class Push: Sendable {
    /// Waits between attempts. A message that is later than that helps nobody.
    static let pauses: [Duration] = [.seconds(1), .seconds(10), .seconds(60)]
    /// A service that asks for more patience than this is not waited for.
    static let longestWait = 300
    /// A device that failed so often, one after another, is given up.
    static let mostFailures = 20
    /// Seconds for which a service keeps a message for a device that is away.
    static let timeToLive = 4 * 3600
    private static let workers = 4

    struct Job: Sendable {
        let device: PushDevice
        let notice: Notice
    }

    let devices: PushDevices
    private let audit: AuditLog
    private let contact: String
    private let send: PushSending
    private let pauses: [Duration]
    private let logger: Logger
    private let key = NIOLockedValueBox<P256.Signing.PrivateKey?>(nil)
    private let jobs: AsyncStream<Job>
    private let continuation: AsyncStream<Job>.Continuation
    private let lost = NIOLockedValueBox(0)

    init(
        devices: PushDevices, audit: AuditLog, contact: String, pauses: [Duration] = Push.pauses, limit: Int = 1000,
        logger: Logger, send: @escaping PushSending
    ) {
        self.devices = devices
        self.audit = audit
        self.contact = contact
        self.pauses = pauses
        self.logger = logger
        self.send = send
        (jobs, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(limit))
    }

    // MARK: For people

    /// What a page gives its browser as the application's key, base64url. Made at first start.
    public func publicKey() async throws(GatewayError) -> String { try await identity().publicKey }

    private func identity() async throws(GatewayError) -> PushIdentity {
        if let known = key.withLockedValue({ $0 }) { return PushIdentity(key: known, contact: contact) }
        let made = try await devices.signingKey()
        key.withLockedValue { $0 = made }
        return PushIdentity(key: made, contact: contact)
    }

    public func devices(_ caller: Caller) async throws(GatewayError) -> [PushDevice] {
        try await devices.list(userID: caller.userID)
    }

    /// Subscribes the caller's browser.
    public func add(_ subscription: PushSubscription, name: String, caller: Caller) async throws(GatewayError)
        -> PushDevice
    {
        _ = try PushEndpoint(subscription.endpoint)
        let name = try VisibleText.line(name, field: "device", what: "The name of a device", limit: 120)
        let device = try await devices.add(subscription, name: name.isEmpty ? "A browser" : name, caller: caller)
        try await record("push.subscribe", device, caller)
        return device
    }

    public func remove(_ id: String, caller: Caller) async throws(GatewayError) {
        guard let device = try await devices(caller).first(where: { $0.id == id }) else { throw .notFound("device") }
        try await devices.remove(id, userID: caller.userID)
        try await record("push.unsubscribe", device, caller)
    }

    private func record(_ action: String, _ device: PushDevice, _ caller: Caller) async throws(GatewayError) {
        let event = AuditEvent(
            actor: caller.auditActor, action: action, object: .init(kind: "device", id: device.id, name: device.name))
        _ = try await GatewayError.mapping { try await audit.append(event) }
    }

    /// Whoever signed out, or was disabled, is told no more at that browser.
    func forget(_ revocation: Revocation) async {
        do { try await devices.remove(after: revocation) } catch {
            logger.error("The devices of an ended sign-in can't be removed.")
        }
    }

    // MARK: Delivery

    /// Puts a notice on its way to all devices of its person; the oldest goes when the queue is full.
    func deliver(_ notice: Notice) async {
        let all: [PushDevice]
        do { all = try await devices.list(userID: notice.userID) } catch {
            logger.error("The devices for a push message can't be read.")
            return
        }
        for device in all {
            if case .dropped = continuation.yield(Job(device: device, notice: notice)) {
                lost.withLockedValue { $0 += 1 }
            }
        }
    }

    /// Delivers until ``finish()``.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            let (slots, free) = AsyncStream<Void>.makeStream()
            for _ in 0..<Self.workers { free.yield() }
            var waiting = slots.makeAsyncIterator()
            for await job in jobs {
                guard await waiting.next() != nil else { break }
                group.addTask {
                    await self.deliver(job)
                    free.yield()
                }
                let missing = lost.withLockedValue { count in
                    defer { count = 0 }
                    return count
                }
                if missing > 0 {
                    logger.warning("Push messages came faster than they left.", metadata: ["lost": "\(missing)"])
                }
            }
            group.cancelAll()
        }
    }

    func finish() { continuation.finish() }

    /// One message to one device, with patience where it may help.
    func deliver(_ job: Job) async {
        do {
            guard let subscription = try await devices.subscription(of: job.device) else { return }
            let request = try await request(job.notice, subscription)
            for pause in pauses.map(Optional.some) + [nil] {
                let outcome = await attempt(request)
                switch outcome {
                case .delivered:
                    _ = try await devices.delivered(job.device, isSuccess: true)
                    return
                case .gone:
                    try await devices.remove(job.device.id, userID: nil)
                    return
                case .again(let wait):
                    guard let pause else { break }
                    try await Task.sleep(for: wait.map { max(pause, $0) } ?? pause)
                    continue
                case .failed: break
                }
                break
            }
            if try await devices.delivered(job.device, isSuccess: false) >= Self.mostFailures {
                try await devices.remove(job.device.id, userID: nil)
            }
        } catch is CancellationError {
            return
        } catch {
            logger.warning("A push message could not be sent.", metadata: ["device": "\(job.device.id)"])
        }
    }

    private enum Outcome {
        case delivered
        /// The browser took its subscription back: 404 and 410 (RFC 8030 §7.3).
        case gone
        case again(Duration?)
        case failed
    }

    private func attempt(_ request: PushRequest) async -> Outcome {
        do throws(PushFailure) {
            let answer = try await send(request)
            switch answer.status {
            case 200..<300: return .delivered
            case 404, 410: return .gone
            case 408, 429, 500...:
                let wait = answer.retryAfter ?? 0
                return wait > Self.longestWait ? .failed : .again(wait > 0 ? .seconds(wait) : nil)
            default: return .failed
            }
        } catch {
            switch error {
            case .addressRefused: return .failed
            case .unreachable, .timedOut: return .again(nil)
            }
        }
    }

    /// What goes to a device: which notice, of what kind, and where it leads. The words stay here: the page asks for them
    /// once it knows who looks.
    private struct Payload: Encodable {
        let id: String
        let kind: String
        let link: String
    }

    private func request(_ notice: Notice, _ subscription: PushSubscription) async throws -> PushRequest {
        let payload = Payload(id: notice.id, kind: notice.kind.rawValue, link: notice.link)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        let endpoint = try PushEndpoint(subscription.endpoint)
        return PushRequest(
            endpoint: endpoint, authorization: try await identity().authorization(audience: endpoint.audience),
            body: try PushMessage.seal(Array(try encoder.encode(payload)), for: subscription),
            isUrgent: notice.kind.isUrgent, timeToLive: Self.timeToLive)
    }
}
