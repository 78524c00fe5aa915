import SSH
import Testing

@testable import Shim

@Suite("The state of an upstream")
struct ReconnectionTests {
    private static let gone = UpstreamFailure("The host went away.", hint: "", isFinal: false)
    private static let changed = UpstreamFailure("The host shows another key.", hint: "", isFinal: true)

    @Test("it connects when it starts, once")
    func starts() {
        var machine = Reconnection(BackOff())
        #expect(machine.start() == [.connect])
        #expect(machine.start() == [])
        #expect(machine.state == .connecting(attempt: 0))
    }

    @Test("what waits is served when the connection stands")
    func serves() {
        var machine = Reconnection(BackOff())
        _ = machine.start()
        #expect(machine.connected() == [.serve])
        #expect(machine.state == .connected)
    }

    @Test("a loss is followed by attempts after 1, 2, 4, 8, 10 and 10 seconds at most")
    func backsOff() {
        var machine = Reconnection(BackOff())
        _ = machine.start()
        _ = machine.connected()
        var waits = [machine.lost(Self.gone, stood: true, chance: 1)]
        for _ in 0..<5 {
            #expect(machine.delayPassed() == [.connect])
            waits.append(machine.failed(Self.gone, chance: 1))
        }
        #expect(waits == [1, 2, 4, 8, 10, 10].map { [.wait(.seconds($0))] })
    }

    @Test("a delay is between half of it and the whole of it")
    func jitters() {
        let backOff = BackOff()
        #expect(backOff.delay(2, chance: 0) == .seconds(2))
        #expect(backOff.delay(2, chance: 0.5) == .seconds(3))
        #expect(backOff.delay(2, chance: 1) == .seconds(4))
        #expect(BackOff(delays: []).delay(0, chance: 1) == .zero)
    }

    @Test("a connection that stood begins the back-off anew")
    func forgets() {
        var machine = Reconnection(BackOff())
        _ = machine.start()
        _ = machine.failed(Self.gone, chance: 1)
        _ = machine.delayPassed()
        _ = machine.connected()
        #expect(machine.lost(Self.gone, stood: true, chance: 1) == [.wait(.seconds(1))])
    }

    @Test("a host that accepts and hangs up at once is not asked again and again")
    func doesNotSpin() {
        var machine = Reconnection(BackOff())
        _ = machine.start()
        _ = machine.connected()
        #expect(machine.lost(Self.gone, stood: false, chance: 1) == [.wait(.seconds(1))])
        _ = machine.delayPassed()
        _ = machine.connected()
        #expect(machine.lost(Self.gone, stood: false, chance: 1) == [.wait(.seconds(2))])
    }

    @Test("another host key ends the attempts for good")
    func givesUp() {
        var machine = Reconnection(BackOff())
        _ = machine.start()
        #expect(machine.failed(Self.changed, chance: 0.5) == [.refuse(Self.changed)])
        #expect(machine.state == .failed(Self.changed))
        #expect(machine.delayPassed() == [])
        #expect(machine.connected() == [])
    }

    @Test("a person may have it tried at once")
    func triesNow() {
        var machine = Reconnection(BackOff())
        _ = machine.start()
        _ = machine.failed(Self.gone, chance: 1)
        #expect(machine.tryNow() == [.stopWaiting, .connect])
        _ = machine.failed(Self.changed, chance: 1)
        #expect(machine.tryNow() == [.connect])
        #expect(machine.tryNow() == [])
    }

    @Test("the end refuses what waits, and nothing happens afterwards")
    func stops() {
        var machine = Reconnection(BackOff())
        _ = machine.start()
        _ = machine.failed(Self.gone, chance: 1)
        let end = UpstreamFailure("The shim is ending.", hint: "Start it again.", isFinal: true)
        #expect(machine.stop() == [.stopWaiting, .refuse(end)])
        #expect(machine.delayPassed() == [])
        #expect(machine.tryNow() == [])
        #expect(machine.lost(Self.gone, stood: false, chance: 0) == [])
    }

    @Test(
        "a wrong key, a refused credential and a lack of algorithms are final, a silent host is not",
        arguments: [
            (SSHError.Code.hostKeyRefused, true), (.hostKeyChanged, true), (.authenticationFailed, true),
            (.noCommonAlgorithm, true), (.connectionRefused, false), (.keepaliveTimeout, false),
            (.disconnected, false), (.hostNotFound, false), (.handshakeTimeout, false),
        ])
    func classifies(_ code: SSHError.Code, isFinal: Bool) {
        #expect(UpstreamFailure(SSHError(code, "It failed.", hint: "")).isFinal == isFinal)
    }
}
