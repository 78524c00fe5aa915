import SSHKeys
import Storage
import Testing

@testable import Gateway

@Suite struct HostProbesTests {
    private let key = SSHPrivateKey.generateEd25519(comment: "").publicKey
    private let start = Timestamp(microseconds: 1_800_000_000_000_000)

    @Test("ten probes a minute for each person, then a wait that is named")
    func rate() throws {
        let probes = HostProbes()
        for second in 0..<10 { try probes.admit(userID: "usr_1", now: start + .seconds(second)) }
        let error = #expect(throws: GatewayError.self) { try probes.admit(userID: "usr_1", now: start + .seconds(20)) }
        #expect(error?.code == "too_many_attempts" && error?.status == 429 && error?.retryAfter == 40)
        try probes.admit(userID: "usr_2", now: start + .seconds(20))
        try probes.admit(userID: "usr_1", now: start + .seconds(60))
    }

    @Test("a finding is good for 15 minutes, and for the person who made it")
    func binding() throws {
        let probes = HostProbes()
        let entry = probes.keep(userID: "usr_1", address: "web", port: 22, key: key, now: start)
        #expect(try probes.confirmed(entry.id, userID: "usr_1", now: start + .seconds(899)).key == key)
        for (user, time) in [("usr_2", start), ("usr_1", start + .seconds(900))] {
            let error = #expect(throws: GatewayError.self) { try probes.confirmed(entry.id, userID: user, now: time) }
            #expect(error?.code == "probe_expired")
        }
        #expect(throws: GatewayError.self) { try probes.confirmed("prb_nonsense", userID: "usr_1", now: start) }
    }
}
