import NIOCore
import SSHCrypto
import SSHKeys

@testable import SSHProtocol

extension FuzzTarget {
    static let connections: [FuzzTarget] = [
        FuzzTarget("connection-client", seeds: { ConnectionSamples.streams(.client) }) { try run($0, .client) },
        FuzzTarget("connection-server", seeds: { ConnectionSamples.streams(.server) }) { try run($0, .server) },
        FuzzTarget("connection-pair", seeds: { ConnectionSamples.pairs }) { try ConnectionPair.run($0) },
    ]

    /// One end against an input. The first byte chooses the phase in which it begins; then each step is a byte that says
    /// what happens: a packet, raw bytes, an act of the owner, time.
    @Sendable private static func run(_ bytes: [UInt8], _ role: ConnectionRole) throws {
        var input = FuzzInput(bytes)
        let stage = ConnectionStages.all[input.below(ConnectionStages.all.count)]
        var owner = ConnectionOwner(role == .client ? stage.client : stage.server, now: ConnectionStages.start)
        owner.machine.start(now: owner.now)
        var packets = CleartextPackets()
        var written = 0
        while !input.isEmpty {
            switch input.below(8) {
            case 0: receive(input.chunk(), &packets, &owner)
            case 1: receive(ConnectionSamples.message(&input), &packets, &owner)
            case 2: owner.machine.receive(ByteBuffer(bytes: input.chunk()), now: owner.now)
            case 3: try owner.wait(.milliseconds(Int64(input.byte()) * Int64(input.byte())))
            case 4: written += try drain(&owner)
            case 5: owner.answerQuestion(input.byte())
            default: try owner.act(&input)
            }
            try owner.takeEvents()
        }
        written += try drain(&owner)
        try hold(written < 64 << 20, "\(written) bytes in answer to \(bytes.count)")
        owner.machine.connectionLost()
        owner.answerQuestion(1)
        try owner.takeEvents()
        owner.answerQuestion(0)
        try owner.takeEvents()
        try hold(owner.ending != nil, "The stream ended and the connection did not")
    }

    private static func receive(_ payload: [UInt8], _ packets: inout CleartextPackets, _ owner: inout ConnectionOwner) {
        var out = ByteBuffer()
        try? packets.seal(ByteBuffer(bytes: payload), into: &out)
        owner.machine.receive(out, now: owner.now)
    }

    private static func drain(_ owner: inout ConnectionOwner) throws -> Int {
        var written = 0
        while let output = owner.machine.drainOutput(now: owner.now) {
            written += output.readableBytes
            try hold(written < 64 << 20, "Output has no end")
        }
        return written
    }
}

/// Both ends of one connection, whose bytes are cut, lost, repeated and changed on the way.
struct ConnectionPair {
    private var ends: [ConnectionOwner]
    /// Bytes on the way to each end.
    private var wires: [[UInt8]] = [[], []]
    private var isAltered = false
    private var isDisturbed = false

    /// An even first byte joins real machines from their first byte on, an odd one takes a pair in the phase that it
    /// says, in clear.
    static func run(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let choice = input.byte()
        var pair = ConnectionPair(choice)
        while !input.isEmpty { try pair.step(&input) }
        try pair.settle()
        try pair.check()
    }

    private init(_ choice: UInt8) {
        let isReal = choice & 1 == 0
        let stages = ConnectionStages.all
        let place = Int(choice >> 1) % stages.count
        let stage = isReal ? ConnectionStages.fresh(choice >> 1) : stages[place]
        ends = [stage.client, stage.server].map { ConnectionOwner($0, now: ConnectionStages.start) }
        // In all but the last, something was on the way.
        isDisturbed = !isReal && place != stages.count - 1
        for end in 0...1 {
            ends[end].isCleartext = !isReal
            ends[end].machine.start(now: ConnectionStages.start)
        }
    }

    private mutating func step(_ input: inout FuzzInput) throws {
        let end = Int(input.byte() & 1)
        switch input.below(10) {
        case 0...2: try carry(to: end, Int(input.byte()) * 8 + 1)
        case 3: try settle()
        case 4:
            isDisturbed = true
            try ends[end].wait(.milliseconds(Int64(input.byte()) * Int64(input.byte())))
        case 5: alter(end, &input)
        case 6:
            isDisturbed = true
            try ends[end].act(&input)
        default: try ends[end].act(&input, isGentle: true)
        }
        try ends[end].takeEvents()
        // In clear, new keys find the two ends at different packets.
        if ends[end].isCleartext, !ends[end].machine.keyExchange.isIdle { isDisturbed = true }
    }

    private mutating func alter(_ end: Int, _ input: inout FuzzInput) {
        let kind = input.byte()
        guard !wires[end].isEmpty, kind & 0x80 != 0 else { return }
        isAltered = true
        let place = Int(input.uint32() % UInt32(clamping: wires[end].count))
        switch kind & 3 {
        case 0: wires[end][place] ^= max(1, input.byte())
        case 1: wires[end].remove(at: place)
        case 2: wires[end].insert(contentsOf: input.chunk(), at: place)
        default: wires[end].removeLast(min(place, wires[end].count))
        }
    }

    /// Takes what the other end has to say, and hands over the first bytes of what is on the way.
    private mutating func carry(to end: Int, _ count: Int) throws {
        let other = 1 - end
        while let output = ends[other].machine.drainOutput(now: ends[other].now) {
            wires[end] += output.readableBytesView
            try hold(wires[end].count < 64 << 20, "Output has no end")
        }
        guard !wires[end].isEmpty else { return }
        let bytes = wires[end].prefix(count)
        wires[end].removeFirst(bytes.count)
        ends[end].machine.receive(ByteBuffer(bytes: bytes), now: ends[end].now)
        try ends[end].takeEvents()
    }

    /// Everything on the way arrives and every question is answered, until nothing more happens.
    private mutating func settle() throws {
        for round in 0... {
            try hold(round < 10_000, "Two ends do not come to rest")
            var isQuiet = true
            for end in 0...1 {
                ends[end].answerQuestion(1)
                try ends[end].takeEvents()
                let before = wires[end].count
                try carry(to: end, .max)
                if before > 0 || wires[end].count > 0 || ends[1 - end].machine.transport.writer.pendingBytes > 0 {
                    isQuiet = false
                }
            }
            if isQuiet { return }
        }
    }

    /// Nobody changed anything: nobody may have broken off, and once both ends have read everything nothing may be
    /// missing.
    private mutating func check() throws {
        guard !isAltered, !isDisturbed else { return }
        for _ in 0..<200 {
            let before = ends.map(\.receivedBytes)
            for end in 0...1 { ends[end].catchUp() }
            try settle()
            if before == ends.map(\.receivedBytes) { break }
        }
        for end in ends {
            guard let error = end.ending else { continue }
            throw FuzzFinding("Two ends that nobody disturbed broke off: \(error.code) \(error.description)")
        }
        guard !ends.contains(where: \.hasLostChannels) else { return }
        for end in 0...1 {
            try hold(
                ends[end].receivedBytes == ends[1 - end].sentBytes,
                "\(ends[1 - end].sentBytes) bytes were sent and \(ends[end].receivedBytes) came")
        }
    }
}
