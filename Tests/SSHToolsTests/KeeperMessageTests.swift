import NIOCore
import SSH
import Testing

@testable import SSHTools

@Suite("What a caller tells the process that keeps its connection")
struct KeeperMessageTests {
    private func beginning() -> KeeperMessage.Beginning {
        var plan = SessionPlan(.command("uptime"))
        plan.terminal = SSHTerminal(type: "xterm", columns: 120, rows: 40)
        plan.environment = [.init(name: "LANG", value: "C.UTF-8")]
        plan.escapeCharacter = UInt8(ascii: "~")
        return KeeperMessage.Beginning(
            work: .session(plan),
            forwards: [(.local, ConfigurationForward(listener: .port(host: nil, 80), target: .socks))])
    }

    @Test("a plan comes out as it went in")
    func roundTrip() throws {
        var bytes = KeeperMessage.begin(beginning()).encoded()
        guard case .begin(let read)? = try KeeperMessage.next(&bytes), case .session(let plan) = read.work,
            case .session(let sent) = beginning().work
        else {
            Issue.record("another message came out")
            return
        }
        #expect(plan == sent)
        #expect(read.forwards.map(\.forward) == beginning().forwards.map(\.forward))
        #expect(bytes.readableBytes == 0)
    }

    @Test("a message cut anywhere is waited for, or refused, and never traps")
    func cuts() {
        let whole = KeeperMessage.begin(beginning()).encoded()
        for length in 0..<whole.readableBytes {
            var waiting = whole.getSlice(at: 0, length: length) ?? ByteBuffer()
            #expect((try? KeeperMessage.next(&waiting)) == nil)
            // The same bytes as a message that claims to be whole.
            guard length > 4, var body = whole.getSlice(at: 4, length: length - 4) else { continue }
            var claimed = ByteBuffer(integer: UInt32(length - 4))
            claimed.writeBuffer(&body)
            #expect(throws: Failure.self) { try KeeperMessage.next(&claimed) }
        }
    }

    @Test("a length beyond any message is refused at once")
    func length() {
        var bytes = ByteBuffer(integer: UInt32.max)
        #expect(throws: Failure.self) { try KeeperMessage.next(&bytes) }
    }
}
