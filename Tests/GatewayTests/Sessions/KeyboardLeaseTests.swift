import Testing

@testable import Gateway

@Suite("The keyboard lease")
struct KeyboardLeaseTests {
    private let ada = KeyboardLease.Holder(userId: "u1", name: "Ada", seatId: "s1")
    private let bob = KeyboardLease.Holder(userId: "u2", name: "Bob", seatId: "s2")

    @Test("the first who types gets an unheld keyboard")
    func firstTypist() throws {
        var lease = KeyboardLease()
        let changed = try lease.typing(ada, mayType: true, now: 0)
        #expect(changed)
        #expect(lease.holder == ada)
        #expect(lease.epoch == 1)
    }

    @Test("typing while another holds it is refused and names the holder")
    func held() throws {
        var lease = KeyboardLease()
        try lease.take(ada, mayType: true)
        #expect(throws: KeyboardLease.Refusal.heldBy(ada)) { _ = try lease.typing(bob, mayType: true, now: 0) }
        #expect(lease.epoch == 1)
    }

    @Test("a viewer can neither type nor take")
    func viewer() {
        var lease = KeyboardLease()
        #expect(throws: KeyboardLease.Refusal.viewOnly) { try lease.typing(bob, mayType: false, now: 0) }
        #expect(throws: KeyboardLease.Refusal.viewOnly) { try lease.take(bob, mayType: false) }
    }

    @Test("taking over changes holder and epoch; taking what one has changes nothing")
    func takeOver() throws {
        var lease = KeyboardLease()
        try lease.take(ada, mayType: true)
        let taken = try lease.take(bob, mayType: true)
        #expect(taken)
        #expect(lease.epoch == 2)
        let again = try lease.take(bob, mayType: true)
        #expect(again == false)
        #expect(lease.epoch == 2)
    }

    @Test("a holder who lost the link keeps the keyboard for the grace time, and not longer")
    func grace() throws {
        var lease = KeyboardLease()
        try lease.take(ada, mayType: true)
        lease.holderDisconnected(seat: "s1", until: 15)
        #expect(throws: KeyboardLease.Refusal.heldBy(ada)) { try lease.typing(bob, mayType: true, now: 14) }
        try lease.typing(bob, mayType: true, now: 15)
        #expect(lease.holder == bob)
    }

    @Test("only the holder gives the keyboard away, and only to somebody who may type")
    func give() throws {
        var lease = KeyboardLease()
        try lease.take(ada, mayType: true)
        #expect(throws: KeyboardLease.Refusal.notHolder) { try lease.give(from: "s2", to: nil, mayType: true) }
        #expect(throws: KeyboardLease.Refusal.viewOnly) { try lease.give(from: "s1", to: bob, mayType: false) }
        try lease.give(from: "s1", to: bob, mayType: true)
        #expect(lease.holder == bob)
        try lease.give(from: "s2", to: nil, mayType: true)
        #expect(lease.holder == nil)
        #expect(lease.epoch == 3)
    }

    @Test("a revoked seat loses the keyboard at once")
    func revoke() throws {
        var lease = KeyboardLease()
        try lease.take(ada, mayType: true)
        let other = lease.revoke(seat: "s2")
        #expect(other == false)
        lease.revoke(seat: "s1")
        #expect(lease.holder == nil)
    }
}
