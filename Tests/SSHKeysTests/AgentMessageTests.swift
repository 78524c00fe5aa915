import NIOCore
import SSHCrypto
import Testing

@testable import SSHKeys

@Suite struct AgentMessageTests {
    private let key = SSHPrivateKey.generateEd25519(comment: "test")

    private func roundTrip(_ request: AgentRequest) throws -> AgentRequest { try AgentRequest(try request.encoded()) }

    @Test("a message of 256 KiB passes and a longer one is refused before any of it is kept")
    func frameLimit() throws {
        var frames = AgentFrames()
        var longest = AgentFrames.framed([UInt8](repeating: 7, count: AgentFrames.maximumLength))
        #expect(try frames.next(from: &longest)?.count == AgentFrames.maximumLength)
        for length in [UInt32(AgentFrames.maximumLength + 1), .max, 0] {
            var frames = AgentFrames()
            var input = ByteBuffer(integer: length)
            #expect(throws: SSHAgentError.self) { try frames.next(from: &input) }
        }
    }

    @Test("messages come out whole however the stream is cut")
    func chunks() throws {
        let stream = AgentFrames.framed([11]).readableBytesView + AgentFrames.framed([13, 1, 2, 3]).readableBytesView
        for size in 1...stream.count {
            var frames = AgentFrames()
            var messages: [[UInt8]] = []
            for start in Swift.stride(from: 0, to: stream.count, by: size) {
                var input = ByteBuffer(bytes: Array(stream)[start..<min(start + size, stream.count)])
                while let message = try frames.next(from: &input) { messages.append(message) }
            }
            #expect(messages == [[11], [13, 1, 2, 3]])
            #expect(!frames.isWithinMessage)
        }
    }

    @Test("a key with every constraint survives the way over the wire")
    func addRoundTrip() throws {
        let destination = DestinationConstraint(
            to: .init(
                user: "dep*", hostName: "web", keys: [.init(key.publicKey), .init(key.publicKey, isAuthority: true)]))
        let constraints = AgentConstraints(lifetime: 60, confirms: true, destinations: [destination])
        guard
            case .add(let added, let comment, let read) = try roundTrip(
                .add(AgentKey(key), comment: "me", constraints))
        else { throw Unexpected() }
        #expect(added.identity == .key(key.publicKey))
        #expect(comment == "me")
        #expect(read == constraints)
    }

    @Test("a certificate goes with its private key", arguments: KeyKind.all)
    func certificateRoundTrip(_ kind: KeyKind) async throws {
        let bench = try Workbench()
        try await bench.keygen(kind)
        try await bench.keygen(.ed25519, "ca")
        try await bench.require("ssh-keygen", ["-q", "-s", "ca", "-I", "id", "-n", "me", "key.pub"])
        let key = try SSHPrivateKey(file: try bench.read("key"))
        let blob = try #require(Base64.decode(try bench.text("key-cert.pub").split(separator: " ")[1]))
        let certified = try AgentKey(key, certificate: try SSHCertificate(wire: blob))
        guard case .add(let added, _, _) = try roundTrip(.add(certified, comment: "", .none)) else {
            throw Unexpected()
        }
        #expect(added.identity.blob == blob)
        #expect(added.privateKey.publicKey == key.publicKey)
    }

    @Test("an unknown constraint refuses the key")
    func unknownConstraints() throws {
        let plain = try AgentRequest.add(AgentKey(key), comment: "", .none).encoded()
        var named = WireWriter()
        named.writeUInt8(255)
        named.writeString("restrict-nothing@example.org")
        named.writeString("")
        for constraint in [[3, 0, 0, 0, 1], [9], named.bytes, [1, 0, 0, 0, 9, 1, 0, 0, 0, 9]] as [[UInt8]] {
            let message = [UInt8(25)] + plain.dropFirst() + constraint
            #expect(throws: SSHAgentError.self) { try AgentRequest(message) }
        }
    }

    @Test("constraints behind an unconstrained add are refused, not passed over")
    func trailingConstraints() throws {
        let plain = try AgentRequest.add(AgentKey(key), comment: "", .none).encoded()
        #expect(throws: SSHAgentError.self) { try AgentRequest(plain + [2]) }
    }

    @Test("every cut and every changed byte of a request is read or refused, and nothing traps")
    func damagedRequests() throws {
        let constraint = DestinationConstraint(to: .init(hostName: "web", keys: [.init(key.publicKey)]))
        let message = try AgentRequest.add(
            AgentKey(key), comment: "me", AgentConstraints(lifetime: 1, confirms: true, destinations: [constraint])
        ).encoded()
        // Constraints end with the message, so a cut between two of them is a shorter message and not a damaged one.
        let whole = (0..<message.count).filter { (try? AgentRequest(Array(message.prefix($0)))) != nil }
        #expect(whole.count == 3)
        for index in message.indices {
            for bit in [UInt8(0x01), 0x80, 0xFF] {
                var changed = message
                changed[index] ^= bit
                _ = try? AgentRequest(changed)
            }
        }
    }

    @Test("a list that announces more keys than there are bytes is refused before room is made")
    func hugeCounts() {
        for count in [UInt32.max, 2049, 1] {
            var writer = WireWriter()
            writer.writeUInt8(12)
            writer.writeUInt32(count)
            #expect(throws: SSHAgentError.self) { try AgentResponse(writer.bytes) }
        }
    }

    @Test("answers survive the way over the wire")
    func responses() throws {
        let responses: [AgentResponse] = [
            .failure, .success, .extensionFailure, .identities([]),
            .identities([AgentIdentity(blob: key.publicKey.blob, comment: "ä"), AgentIdentity(blob: [1], comment: "")]),
            .signature([1, 2, 3]), .extensions(["query", "session-bind@openssh.com"]),
        ]
        for response in responses { #expect(try AgentResponse(response.encoded) == response) }
    }
}

struct Unexpected: Error {}
