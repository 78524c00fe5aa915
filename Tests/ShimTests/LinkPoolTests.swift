import NIOCore
import Testing

@testable import Shim

@Suite("Which connection takes a channel")
struct LinkPoolTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private func pool(_ links: Int = 1) -> LinkPool {
        var pool = LinkPool()
        for id in 0..<links { pool.add(id, isFurther: false, now: now) }
        return pool
    }

    private func fill(_ pool: inout LinkPool, _ sessions: Int) {
        for _ in 0..<sessions {
            guard let id = pool.place(isSession: true, now: now) else { return }
            pool.opened(id, isSession: true)
        }
    }

    @Test("without a connection nothing is placed, and none is added")
    func nothing() {
        var pool = LinkPool()
        #expect(pool.place(isSession: true, now: now) == nil)
        #expect(pool.grow(waiting: 5) == false)
    }

    @Test("one connection takes everything until the host refuses")
    func one() {
        var pool = pool()
        fill(&pool, 200)
        #expect(pool.links.first?.sessions == 200)
    }

    @Test("a refusal after sessions asks for a further connection, and other channels still go through")
    func full() {
        var pool = pool()
        fill(&pool, 10)
        #expect(pool.place(isSession: true, now: now) == 0)
        let mayGoElsewhere = pool.refused(0, isSession: true, now: now)
        #expect(mayGoElsewhere)
        #expect(pool.sessionLimit == 10)
        #expect(pool.place(isSession: true, now: now) == nil)
        #expect(pool.grow(waiting: 1) == true)
        #expect(pool.place(isSession: false, now: now) == 0)
    }

    @Test("a refusal of the first session is the host's word, not a limit")
    func never() {
        var pool = pool()
        _ = pool.place(isSession: true, now: now)
        let mayGoElsewhere = pool.refused(0, isSession: true, now: now)
        #expect(!mayGoElsewhere)
    }

    @Test("places that programs without clients hold lead to a further connection, too")
    func zombies() {
        var pool = pool()
        fill(&pool, 10)
        for _ in 0..<10 { pool.closed(0, isSession: true, now: now) }
        _ = pool.place(isSession: true, now: now)
        let mayGoElsewhere = pool.refused(0, isSession: true, now: now)
        #expect(mayGoElsewhere)
        #expect(pool.sessionLimit == nil)
    }

    @Test("an ended session makes room at once, silence after ten seconds")
    func room() {
        var pool = pool()
        fill(&pool, 2)
        _ = pool.place(isSession: true, now: now)
        _ = pool.refused(0, isSession: true, now: now)
        #expect(pool.place(isSession: true, now: now + .seconds(9)) == nil)
        var later = pool
        #expect(later.place(isSession: true, now: now + .seconds(10)) == 0)
        pool.closed(0, isSession: true, now: now)
        #expect(pool.place(isSession: true, now: now) == 0)
    }

    @Test("as many connections are made as what waits needs, three at a time")
    func grows() {
        var pool = pool()
        fill(&pool, 10)
        _ = pool.place(isSession: true, now: now)
        _ = pool.refused(0, isSession: true, now: now)
        #expect(pool.grow(waiting: 10) == true)
        #expect(pool.grow(waiting: 10) == false)
        #expect(pool.grow(waiting: 11) == true)
        #expect(pool.grow(waiting: 100) == true)
        #expect(pool.grow(waiting: 100) == false)
        #expect(pool.connecting == 3)
    }

    @Test("there are never more connections than allowed")
    func bounded() {
        var pool = LinkPool(maximumLinks: 2)
        pool.add(0, isFurther: false, now: now)
        #expect(pool.grow(waiting: 100) == true)
        #expect(pool.grow(waiting: 100) == false)
        pool.add(1, isFurther: true, now: now)
        #expect(pool.grow(waiting: 100) == false)
    }

    @Test("a further connection that carries nothing for a minute is closed, the oldest never")
    func idle() {
        var pool = pool(2)
        #expect(pool.nextIdle == now + .seconds(60))
        #expect(pool.takeIdle(now: now + .seconds(59)) == [])
        #expect(pool.takeIdle(now: now + .seconds(60)) == [1])
        #expect(pool.links.map(\.id) == [0])
        #expect(pool.nextIdle == nil)
    }

    @Test("a connection with a channel of any kind is not idle")
    func busy() {
        var pool = pool(2)
        pool.received(1)
        #expect(pool.takeIdle(now: now + .seconds(600)) == [])
        pool.closed(1, isSession: false, now: now + .seconds(600))
        #expect(pool.takeIdle(now: now + .seconds(660)) == [1])
    }

    @Test("when the oldest is lost the next one has the forwards")
    func home() {
        var pool = pool(2)
        #expect(pool.home == 0)
        pool.remove(0)
        #expect(pool.home == 1)
    }

    @Test("a connection that is over takes nothing")
    func over() {
        var pool = pool(2)
        pool.ended(0)
        #expect(pool.place(isSession: true, now: now) == 1)
        #expect(pool.home == 0)
    }

    @Test("our own limit of channels leads to a further connection")
    func overflow() {
        var pool = LinkPool(channelLimit: 2)
        pool.add(0, isFurther: false, now: now)
        _ = pool.place(isSession: false, now: now)
        _ = pool.place(isSession: false, now: now)
        #expect(pool.place(isSession: false, now: now) == nil)
        #expect(pool.grow(waiting: 1) == true)
    }

    @Test("a limit that the connection itself met holds until a channel ends")
    func ceiling() {
        var pool = pool()
        _ = pool.place(isSession: false, now: now)
        _ = pool.place(isSession: false, now: now)
        pool.overflowed(0, isSession: false, now: now)
        #expect(pool.place(isSession: false, now: now) == nil)
        pool.closed(0, isSession: false, now: now)
        #expect(pool.place(isSession: false, now: now) == 0)
    }
}
