import NIOCore
import SSH

/// One end of a flow: a channel, as far as bytes go.
struct FlowEnd {
    /// false: the channel's queue is full, or it takes nothing more.
    let put: (ByteBuffer, SSHDataStream) -> Bool
    let hasRoom: () -> Bool
    /// Gives window back.
    let credit: (Int) -> Void
    /// Ends its half of the data.
    let end: () -> Void

    init(_ channel: SSHServerSessionChannel) {
        put = { channel.write($0, stream: $1) }
        hasRoom = { channel.isWritable }
        credit = { channel.consumed($0) }
        end = { channel.sendEOF() }
    }

    init(_ channel: SSHSessionChannel) {
        put = { data, _ in channel.write(data) }
        hasRoom = { channel.isWritable }
        credit = { channel.consumed($0) }
        end = { channel.sendEOF() }
    }

    init(_ channel: SSHChannel) {
        put = { data, _ in channel.write(data) }
        hasRoom = { channel.isWritable }
        credit = { channel.consumed($0) }
        end = { channel.sendEOF() }
    }
}

/// Bytes in one direction between two channels on one loop. Window is given back to the source only while the sink has
/// room, so that whoever does not read stops whoever writes, and nobody else. Loop-bound.
final class Flow {
    private var source: FlowEnd?
    private var sink: FlowEnd?
    /// Refused by the sink's queue, or the sink is not there yet; at most the source's window.
    private var held = CircularBuffer<(data: ByteBuffer, stream: SSHDataStream)>()
    private var owed = 0
    private var hasEnded = false
    private var whenDrained: (() -> Void)?
    private var isOver = false
    /// The recording can't be written: nothing new is asked of the source.
    var isHeld = false {
        didSet { if !isHeld { drain() } }
    }

    /// Either end may come later.
    init(from source: FlowEnd?, to sink: FlowEnd?) {
        self.source = source
        self.sink = sink
    }

    func connect(to sink: FlowEnd) {
        self.sink = sink
        drain()
    }

    func connect(from source: FlowEnd) {
        self.source = source
        giveCredit()
    }

    /// Bytes for the sink.
    /// - Parameter credit: Bytes of the source's window that they stand for.
    func push(_ data: ByteBuffer, _ stream: SSHDataStream = .standardOutput, credit: Int) {
        guard !isOver else {
            source?.credit(credit)
            return
        }
        owed += credit
        if data.readableBytes > 0 {
            if held.isEmpty, let sink, sink.put(data, stream) {} else { held.append((data, stream)) }
        }
        giveCredit()
    }

    private func giveCredit() {
        guard owed > 0, held.isEmpty, !isHeld, let source, let sink, sink.hasRoom() else { return }
        let bytes = owed
        owed = 0
        source.credit(bytes)
    }

    /// The source will send nothing more.
    func end() {
        hasEnded = true
        drain()
    }

    /// Calls `body` once, when everything that came has been given on.
    func drained(_ body: @escaping () -> Void) {
        whenDrained = body
        drain()
    }

    /// The sink has room again.
    func drain() {
        guard !isOver, let sink else { return }
        while let (data, stream) = held.first, sink.hasRoom(), sink.put(data, stream) { held.removeFirst() }
        giveCredit()
        guard held.isEmpty else { return }
        if hasEnded {
            hasEnded = false
            sink.end()
        }
        let body = whenDrained
        whenDrained = nil
        body?()
    }

    /// Nobody takes anything any more: what the source still brings goes nowhere.
    func drop() {
        guard !isOver else { return }
        isOver = true
        held.removeAll()
        whenDrained = nil
        if owed > 0 { source?.credit(owed) }
        owed = 0
    }
}
