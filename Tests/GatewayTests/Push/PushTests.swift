import Crypto
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Gateway

/// A push service that answers as it is told and keeps what it got.
private final class Service: Sendable {
    private let answers: NIOLockedValueBox<[Int]>
    let requests = NIOLockedValueBox<[PushRequest]>([])

    init(_ answers: [Int]) { self.answers = NIOLockedValueBox(answers) }

    func send(_ request: PushRequest) throws(PushFailure) -> PushAnswer {
        requests.withLockedValue { $0.append(request) }
        let status = answers.withLockedValue { $0.isEmpty ? 201 : $0.removeFirst() }
        if status == 0 { throw .unreachable("no route") }
        if status == 1 { throw .addressRefused }
        return PushAnswer(status: status)
    }

    var count: Int { requests.withLockedValue { $0.count } }
}

@Suite(.timeLimit(.minutes(1)))
struct PushTests {
    private struct Room {
        let domain: DomainFixture
        let push: Push
        let ada: Caller
        let service: Service

        init(_ answers: [Int], pauses: [Duration] = [.zero, .zero, .zero]) async throws {
            let made = try await DomainFixture()
            let answering = Service(answers)
            domain = made
            service = answering
            ada = try await made.firstAdmin()
            push = Push(
                devices: PushDevices(store: made.store, vault: made.vault, tenant: "t1"), audit: made.audit,
                contact: "https://copilot.example.org", pauses: pauses, logger: Logger(label: "test")
            ) { request throws(PushFailure) in try answering.send(request) }
        }

        func device(_ caller: Caller? = nil, endpoint: String = "https://push.example.net/1") async throws -> PushDevice
        {
            let key = P256.KeyAgreement.PrivateKey().publicKey.x963Representation
            let subscription = try PushSubscription(
                endpoint: endpoint, publicKey: Array(key), authenticationSecret: Array(repeating: 3, count: 16))
            return try await push.add(subscription, name: "A phone", caller: caller ?? ada)
        }

        func notice() -> Notice {
            Notice(userID: ada.userID, kind: .keyboardRequested, text: "Grace asks.", link: "/s/ses_x")
        }
    }

    @Test("a message reaches its device once, encrypted, with the identity of this copilot")
    func delivery() async throws {
        let room = try await Room([201])
        let device = try await room.device()
        await room.push.deliver(.init(device: device, notice: room.notice()))
        let first = room.service.requests.withLockedValue { $0.first }
        let request = try #require(first)
        #expect(room.service.count == 1 && request.isUrgent && request.endpoint.host == "push.example.net")
        #expect(request.authorization.hasPrefix("vapid t="))
        let key = try await room.push.publicKey()
        #expect(request.authorization.hasSuffix("k=" + key))
        #expect(request.body.count > 86 && !String(decoding: request.body, as: UTF8.self).contains("ses_x"))
        #expect(try await room.push.devices(room.ada).first?.lastSentAt != nil)
    }

    @Test("a service in trouble is tried again, a device that is away is not lost")
    func retries() async throws {
        let room = try await Room([503, 0, 429, 201])
        await room.push.deliver(.init(device: try await room.device(), notice: room.notice()))
        #expect(room.service.count == 4)
        #expect(try await room.push.devices(room.ada).first?.lastSentAt != nil)
    }

    @Test("patience ends: a service that never answers is asked four times", arguments: [500, 0])
    func patience(answer: Int) async throws {
        let room = try await Room(Array(repeating: answer, count: 20))
        await room.push.deliver(.init(device: try await room.device(), notice: room.notice()))
        #expect(room.service.count == 4)
        #expect(try await room.push.devices(room.ada).count == 1)
    }

    @Test("a device that the browser took back is removed", arguments: [404, 410])
    func gone(status: Int) async throws {
        let room = try await Room([status])
        await room.push.deliver(.init(device: try await room.device(), notice: room.notice()))
        #expect(room.service.count == 1)
        #expect(try await room.push.devices(room.ada).isEmpty)
    }

    @Test(
        "an answer that will not change, or an address that is refused, is not tried again",
        arguments: [400, 403, 413, 1])
    func refused(answer: Int) async throws {
        let room = try await Room([answer])
        await room.push.deliver(.init(device: try await room.device(), notice: room.notice()))
        #expect(room.service.count == 1)
        #expect(try await room.push.devices(room.ada).count == 1)
    }

    @Test("a device that fails and fails is given up")
    func givenUp() async throws {
        let room = try await Room(Array(repeating: 400, count: Push.mostFailures))
        let device = try await room.device()
        for _ in 0..<Push.mostFailures { await room.push.deliver(.init(device: device, notice: room.notice())) }
        #expect(try await room.push.devices(room.ada).isEmpty)
    }

    @Test("a browser tells the person who uses it now, and nobody who used it before")
    func oneBrowser() async throws {
        let room = try await Room([])
        _ = try await room.device()
        let grace = try await room.domain.person(room.ada, "grace", role: "devops")
        _ = try await room.device(grace)
        #expect(try await room.push.devices(room.ada).isEmpty)
        #expect(try await room.push.devices(grace).count == 1)
    }

    @Test("whoever signs out is told no more there, and somebody else's device can't be removed")
    func signOut() async throws {
        let room = try await Room([])
        let device = try await room.device()
        let grace = try await room.domain.person(room.ada, "grace", role: "devops")
        #expect(await room.domain.code { try await room.push.remove(device.id, caller: grace) } == "not_found")
        await room.push.forget(.signIn(id: room.ada.signInID, userID: room.ada.userID))
        #expect(try await room.push.devices(room.ada).isEmpty)
    }

    @Test("the key stays the same for as long as the database does")
    func key() async throws {
        let room = try await Room([])
        let again = try await Room([])
        let key = try await room.push.publicKey()
        let devices = PushDevices(store: room.domain.store, vault: room.domain.vault, tenant: "t1")
        let stored = try await devices.signingKey()
        #expect(PushIdentity(key: stored, contact: "").publicKey == key)
        #expect(try await again.push.publicKey() != key)
    }
}
