import NIOCore
import SSHCrypto
import Testing

@testable import SSHProtocol

/// Two machines, a wire that delivers as slowly as it likes, and a model that knows what must arrive: whatever the order
/// of data, new keys, windows and ends, each byte arrives once, in order, before the end of its stream.
@Suite struct RekeyModelTests {
    /// A generator that gives the same row again, so that a failing seed can be looked at.
    struct Generator {
        private var state: UInt64

        init(_ seed: UInt64) { state = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15 | 1 }

        mutating func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
    }

    /// What went into one direction of one channel and what came out.
    struct Stream {
        var sent: [UInt8] = []
        var received: [UInt8] = []
        var hasEnded = false
        var hasReceivedEnd = false
        var unread = 0
    }

    /// One end of a channel.
    private struct Name: Hashable {
        var isClient: Bool
        /// The place in the row in which the channels were opened.
        var channel: Int
        var other: Name { Name(isClient: !isClient, channel: channel) }
    }

    private final class World {
        var pair: MachinePair
        var toServer = ByteBuffer()
        var toClient = ByteBuffer()
        /// By the end that sends.
        var streams: [Name: Stream] = [:]
        /// Each end's own name for its channel.
        var ids: [Name: ChannelID] = [:]
        /// The same the other way round. The two ends give their numbers without each other.
        private var names: [Bool: [ChannelID: Name]] = [:]
        var opened: [Int] = []
        /// Who closed a channel by its own wish, and who was told that it is closed.
        var closers: Set<Name> = []
        var closed: Set<Name> = []
        var faults: [String] = []

        init(_ limit: UInt64) {
            pair = MachinePair {
                $0.rekey = RekeyPolicy(bytes: limit)
            } client: {
                $0.rekey = RekeyPolicy(bytes: limit * 3)
            }
            pair.begin()
        }

        /// Three channels, known to both ends.
        func openThree() throws {
            (streams, ids, names, opened, closers, closed) = ([:], [:], [:], [], [], [])
            for channel in 0..<3 {
                know(try pair.client.openSession(), as: Name(isClient: true, channel: channel))
            }
            for _ in 0..<4 {
                flush()
                deliver(.max, isToServer: true)
                flush()
                deliver(.max, isToServer: false)
            }
            try #require(opened.count == 3)
        }

        private func know(_ id: ChannelID, as name: Name) {
            ids[name] = id
            names[name.isClient, default: [:]][id] = name
        }

        func flush() {
            while let bytes = pair.client.drainOutput(now: pair.now) { toServer.writeImmutableBuffer(bytes) }
            while let bytes = pair.server.drainOutput(now: pair.now) { toClient.writeImmutableBuffer(bytes) }
        }

        func deliver(_ count: Int, isToServer: Bool) {
            if isToServer {
                let length = min(count, toServer.readableBytes)
                guard let bytes = toServer.readSlice(length: length) else { return }
                pair.server.receive(ByteBuffer(bytes: Array(bytes.readableBytesView)), now: pair.now)
            } else {
                let length = min(count, toClient.readableBytes)
                guard let bytes = toClient.readSlice(length: length) else { return }
                pair.client.receive(ByteBuffer(bytes: Array(bytes.readableBytesView)), now: pair.now)
            }
            takeEvents()
        }

        func takeEvents() {
            while let event = pair.client.nextEvent() { take(event, isClient: true) }
            while let event = pair.server.nextEvent() { take(event, isClient: false) }
        }

        private func take(_ event: ConnectionEvent, isClient: Bool) {
            switch event {
            case .channelOpen(let id, _):
                pair.server.accept(id)
                // They come in the order in which they were opened.
                let name = Name(isClient: false, channel: opened.count)
                opened.append(name.channel)
                know(id, as: name)
                streams[name] = Stream()
                streams[name.other] = Stream()
            case .channel(let id, let event):
                if let name = names[isClient]?[id] {
                    take(event, at: name)
                } else {
                    faults.append("an event of nobody")
                }
            case .closed(let error): faults.append("\(error)")
            default: break
            }
        }

        private func take(_ event: SessionChannelEvent, at name: Name) {
            if closed.contains(name) { faults.append("\(event.summary) after CLOSE") }
            switch event {
            case .data(_, let bytes):
                if streams[name.other]?.hasReceivedEnd == true { faults.append("data after the end") }
                streams[name.other]?.received += Array(bytes.readableBytesView)
                streams[name.other]?.unread += bytes.readableBytes
            case .endOfFile: streams[name.other]?.hasReceivedEnd = true
            case .closed: closed.insert(name)
            default: break
            }
        }

        /// Gives back what a reader has read.
        func consume(_ name: Name) {
            guard let count = streams[name]?.unread, count > 0 else { return }
            streams[name]?.unread = 0
            guard let id = ids[name.other] else { return }
            _ = name.isClient ? pair.server.consumed(count, on: id) : pair.client.consumed(count, on: id)
        }

        func write(_ bytes: [UInt8], _ name: Name) {
            guard let id = ids[name] else { return }
            let data = ByteBuffer(bytes: bytes)
            let isTaken = name.isClient ? pair.client.write(data, on: id) : pair.server.write(data, on: id)
            if isTaken { streams[name]?.sent += bytes }
        }

        func close(_ name: Name) {
            guard let id = ids[name] else { return }
            closers.insert(name)
            if name.isClient { pair.client.close(id) } else { pair.server.close(id) }
        }

        func end(_ name: Name) {
            streams[name]?.hasEnded = true
            guard let id = ids[name] else { return }
            if name.isClient { pair.client.sendEOF(on: id) } else { pair.server.sendEOF(on: id) }
        }
    }

    @Test("no order of data, new keys, windows and ends loses, doubles or reorders a byte", arguments: 0..<24)
    func model(seed: Int) throws {
        var generator = Generator(UInt64(seed))
        let world = World([16, 1000, 30_000, 400_000][seed % 4])
        try world.openThree()
        for step in 0..<120 {
            let name = Name(isClient: generator.next(2) == 0, channel: world.opened[generator.next(3)])
            switch generator.next(10) {
            case 0, 1, 2:
                world.write((0..<generator.next(60_000)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ step) }, name)
            case 3: world.consume(name)
            case 4: world.pair.client.beginRekey(now: world.pair.now)
            case 5: world.pair.server.beginRekey(now: world.pair.now)
            case 6 where generator.next(8) == 0: world.end(name)
            default:
                world.flush()
                world.deliver(generator.next(90_000), isToServer: generator.next(2) == 0)
            }
        }
        finish(world)
        #expect(world.faults.isEmpty, "seed \(seed)")
        for (name, stream) in world.streams {
            let isWhole = isSame(stream.received, stream.sent)
            let hasEnd = stream.hasReceivedEnd
            #expect(isWhole, "\(name): \(stream.received.count) of \(stream.sent.count) bytes")
            #expect(hasEnd, "\(name)")
        }
        #expect(world.closed.count == 6)
        #expect(world.pair.client.sessionID == world.pair.server.sessionID)
    }

    /// What was queued before CLOSE is sent before it (RFC 4254 §5.3), so only who closes by its own wish may miss something.
    @Test(
        "CLOSE from either end, and from both at once, with data queued takes from nobody who has not closed",
        arguments: 0..<16)
    func closing(seed: Int) throws {
        var generator = Generator(UInt64(seed) + 500)
        let world = World([16, 1000, 30_000, 400_000][seed % 4])
        for round in 0..<4 {
            try world.openThree()
            for step in 0..<40 { act(world, &generator, step) }
            for number in world.opened {
                // One end, the other, or both before either can know.
                let who = generator.next(3)
                for name in [true, false].map({ Name(isClient: $0, channel: number) })
                where who == 2 || name.isClient == (who == 0) {
                    world.write([UInt8](repeating: UInt8(round), count: generator.next(70_000)), name)
                    world.close(name)
                }
                for step in 0..<generator.next(6) { act(world, &generator, step) }
            }
            settle(world)
            for (name, stream) in world.streams {
                let isPrefix = stream.sent.starts(with: stream.received)
                let isWhole = stream.received.count == stream.sent.count
                let mayMiss = world.closers.contains(name.other)
                #expect(isPrefix, "\(name)")
                #expect(isWhole || mayMiss, "\(name): \(stream.received.count) of \(stream.sent.count) bytes")
            }
            #expect(world.closed.count == 6)
            #expect(world.pair.client.channels.isEmpty && world.pair.server.channels.isEmpty)
        }
        #expect(world.faults.isEmpty, "seed \(seed)")
    }

    private func act(_ world: World, _ generator: inout Generator, _ step: Int) {
        let name = Name(isClient: generator.next(2) == 0, channel: world.opened[generator.next(3)])
        switch generator.next(8) {
        case 0, 1: world.write((0..<generator.next(60_000)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ step) }, name)
        case 2: world.consume(name)
        case 3: world.pair.client.beginRekey(now: world.pair.now)
        case 4: world.pair.server.beginRekey(now: world.pair.now)
        default:
            world.flush()
            world.deliver(generator.next(90_000), isToServer: generator.next(2) == 0)
        }
    }

    /// Everything is ended and read, and then, as CLOSE drops what is not sent yet (RFC 4254 §5.3), closed.
    private func finish(_ world: World) {
        for name in world.streams.keys { world.end(name) }
        settle(world)
        for (name, id) in world.ids where name.isClient { world.pair.client.close(id) }
        settle(world)
    }

    private func settle(_ world: World) {
        for _ in 0..<4000 {
            for name in world.streams.keys { world.consume(name) }
            world.flush()
            if world.toServer.readableBytes == 0, world.toClient.readableBytes == 0 { return }
            world.deliver(50_000, isToServer: true)
            world.deliver(50_000, isToServer: false)
        }
    }
}
