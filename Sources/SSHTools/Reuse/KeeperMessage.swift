// What a caller and the process that keeps a connection say to each other: a length, a number for the kind, and fields of
// SSH's string encoding. Both are the same program of the same user; all the same nothing in it is taken for granted.

import NIOCore
import SSH
import SSHProtocol

enum KeeperMessage: Sendable {
    /// The first of a caller, which brings its standard descriptors.
    case begin(Beginning)
    /// In its place: a caller that has read no configuration.
    case call(KeeperCall)
    case resize(columns: UInt32, rows: UInt32)
    /// The session is wanted no more.
    case giveUp
    /// Everything that can fail at the beginning has not.
    case ready
    case setRaw(Bool)
    case suspend
    case ended(status: UInt32)
    case failed(sentence: String, hint: String)
    /// The answer to a call that is not for this connection, or not to be taken: the caller does it the longer way.
    case declined

    struct Beginning: Sendable {
        enum Work: Sendable {
            case session(SessionPlan)
            case streams(SSHForwardEndpoint)
            case forwards
        }

        var work: Work
        var forwards: [(kind: ForwardText.Kind, forward: ConfigurationForward)]
    }

    /// Larger than any environment and command.
    static let maximumLength = 1 << 20
    /// Both ends must be of one make.
    static let version: UInt32 = 1

    // MARK: Writing

    func encoded() -> ByteBuffer {
        var body = ByteBuffer()
        switch self {
        case .begin(let beginning):
            body.writeInteger(UInt8(1))
            body.writeInteger(Self.version)
            body.write(beginning)
        case .resize(let columns, let rows): body.writeMultipleIntegers(UInt8(2), columns, rows)
        case .giveUp: body.writeInteger(UInt8(3))
        case .ready: body.writeInteger(UInt8(4))
        case .setRaw(let isRaw): body.writeMultipleIntegers(UInt8(5), UInt8(isRaw ? 1 : 0))
        case .suspend: body.writeInteger(UInt8(6))
        case .ended(let status): body.writeMultipleIntegers(UInt8(7), status)
        case .failed(let sentence, let hint):
            body.writeInteger(UInt8(8))
            body.writeText(sentence)
            body.writeText(hint)
        case .call(let call):
            body.writeInteger(UInt8(9))
            body.writeInteger(Self.version)
            body.writeTexts(call.words)
            body.writeTexts(call.environment.map { "\($0)=\($1)" })
        case .declined: body.writeInteger(UInt8(10))
        }
        var framed = ByteBuffer(integer: UInt32(clamping: body.readableBytes))
        framed.writeBuffer(&body)
        return framed
    }

    // MARK: Reading

    /// The next whole message, which is taken out. nil while it has not come whole.
    ///
    /// - Throws: For what is none.
    static func next(_ input: inout ByteBuffer) throws(Failure) -> KeeperMessage? {
        guard let length = input.getInteger(at: input.readerIndex, as: UInt32.self) else { return nil }
        guard length <= maximumLength else { throw broken }
        guard input.readableBytes >= 4 + Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: 4)
        guard var body = input.readSlice(length: Int(length)), let message = read(&body), body.readableBytes == 0 else {
            throw broken
        }
        return message
    }

    static let broken = Failure(
        "The process that keeps the connection speaks another version.",
        hint: "Leave out --reuse until it has ended, or end it: it is a copilot process of yours.", status: .connection)

    private static func read(_ body: inout ByteBuffer) -> KeeperMessage? {
        switch body.readInteger(as: UInt8.self) {
        case 1:
            guard body.readInteger(as: UInt32.self) == version else { return nil }
            return body.readBeginning().map { .begin($0) }
        case 2:
            guard let (columns, rows) = body.readMultipleIntegers(as: (UInt32, UInt32).self) else { return nil }
            return .resize(columns: columns, rows: rows)
        case 3: return .giveUp
        case 4: return .ready
        case 5: return body.readInteger(as: UInt8.self).map { .setRaw($0 == 1) }
        case 6: return .suspend
        case 7: return body.readInteger(as: UInt32.self).map { .ended(status: $0) }
        case 8:
            guard let sentence = body.readText(), let hint = body.readText() else { return nil }
            return .failed(sentence: sentence, hint: hint)
        case 9:
            guard body.readInteger(as: UInt32.self) == version, let words = body.readTexts(),
                let entries = body.readTexts()
            else { return nil }
            return .call(KeeperCall(words: words, entries: entries))
        case 10: return .declined
        default: return nil
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeText(_ text: String) {
        writeInteger(UInt32(clamping: text.utf8.count))
        writeString(text)
    }

    fileprivate mutating func readText() -> String? {
        guard let length = readInteger(as: UInt32.self), length <= readableBytes else { return nil }
        return readString(length: Int(length))
    }

    fileprivate mutating func writeTexts(_ texts: [String]) {
        writeInteger(UInt32(clamping: texts.count))
        for text in texts { writeText(text) }
    }

    fileprivate mutating func readTexts() -> [String]? {
        guard let count = readInteger(as: UInt32.self), count <= 100_000 else { return nil }
        var texts: [String] = []
        for _ in 0..<count {
            guard let text = readText() else { return nil }
            texts.append(text)
        }
        return texts
    }

    private mutating func readFlag() -> Bool? { readInteger(as: UInt8.self).map { $0 == 1 } }

    private mutating func writeFlag(_ flag: Bool) { writeInteger(UInt8(flag ? 1 : 0)) }

    // MARK: The beginning

    fileprivate mutating func write(_ beginning: KeeperMessage.Beginning) {
        switch beginning.work {
        case .session(let plan):
            writeInteger(UInt8(0))
            write(plan)
        case .streams(let target):
            writeInteger(UInt8(1))
            write(target)
        case .forwards: writeInteger(UInt8(2))
        }
        writeInteger(UInt32(clamping: beginning.forwards.count))
        for (kind, forward) in beginning.forwards {
            writeInteger(UInt8(kind == .local ? 0 : kind == .remote ? 1 : 2))
            write(forward.listener)
            write(forward.target)
        }
    }

    fileprivate mutating func readBeginning() -> KeeperMessage.Beginning? {
        let work: KeeperMessage.Beginning.Work
        switch readInteger(as: UInt8.self) {
        case 0:
            guard let plan = readPlan() else { return nil }
            work = .session(plan)
        case 1:
            guard let target = readEndpoint() else { return nil }
            work = .streams(target)
        case 2: work = .forwards
        default: return nil
        }
        guard let count = readInteger(as: UInt32.self), count <= 1000 else { return nil }
        var forwards: [(kind: ForwardText.Kind, forward: ConfigurationForward)] = []
        for _ in 0..<count {
            guard let kind = readInteger(as: UInt8.self), kind <= 2, let listener = readListener(),
                let target = readTarget()
            else { return nil }
            forwards.append(
                (
                    kind == 0 ? .local : kind == 1 ? .remote : .dynamic,
                    ConfigurationForward(listener: listener, target: target)
                ))
        }
        return KeeperMessage.Beginning(work: work, forwards: forwards)
    }

    // MARK: Plans

    private mutating func write(_ plan: SessionPlan) {
        switch plan.program {
        case .shell: writeInteger(UInt8(0))
        case .command(let command):
            writeInteger(UInt8(1))
            writeText(command)
        case .subsystem(let name):
            writeInteger(UInt8(2))
            writeText(name)
        }
        writeFlag(plan.terminal != nil)
        if let terminal = plan.terminal {
            writeText(terminal.type)
            writeMultipleIntegers(UInt32(clamping: terminal.columns), UInt32(clamping: terminal.rows))
            writeInteger(UInt32(clamping: terminal.modes.values.count))
            for (opcode, argument) in terminal.modes.values { writeMultipleIntegers(opcode, argument) }
        }
        writeInteger(UInt32(clamping: plan.environment.count))
        for variable in plan.environment {
            writeText(variable.name)
            writeText(variable.value)
        }
        writeFlag(plan.readsNoInput)
        writeFlag(plan.escapeCharacter != nil)
        writeInteger(plan.escapeCharacter ?? 0)
        writeFlag(plan.forwardsAgent)
    }

    private mutating func readPlan() -> SessionPlan? {
        var plan: SessionPlan
        switch readInteger(as: UInt8.self) {
        case 0: plan = SessionPlan(.shell)
        case 1:
            guard let command = readText() else { return nil }
            plan = SessionPlan(.command(command))
        case 2:
            guard let name = readText() else { return nil }
            plan = SessionPlan(.subsystem(name))
        default: return nil
        }
        guard let hasTerminal = readFlag() else { return nil }
        if hasTerminal {
            guard let terminal = readTerminal() else { return nil }
            plan.terminal = terminal
        }
        guard let count = readInteger(as: UInt32.self), count <= 10_000 else { return nil }
        for _ in 0..<count {
            guard let name = readText(), let value = readText() else { return nil }
            plan.environment.append(.init(name: name, value: value))
        }
        guard let readsNoInput = readFlag(), let hasEscape = readFlag(), let escape = readInteger(as: UInt8.self),
            let forwardsAgent = readFlag()
        else { return nil }
        plan.readsNoInput = readsNoInput
        plan.escapeCharacter = hasEscape ? escape : nil
        plan.forwardsAgent = forwardsAgent
        return plan
    }

    private mutating func readTerminal() -> SSHTerminal? {
        guard let type = readText(), let (columns, rows) = readMultipleIntegers(as: (UInt32, UInt32).self),
            let count = readInteger(as: UInt32.self), count <= 256
        else { return nil }
        var modes: [(opcode: UInt8, argument: UInt32)] = []
        for _ in 0..<count {
            guard let (opcode, argument) = readMultipleIntegers(as: (UInt8, UInt32).self) else { return nil }
            modes.append((opcode, argument))
        }
        return SSHTerminal(type: type, columns: Int(columns), rows: Int(rows), modes: TerminalModes(modes))
    }

    // MARK: Places

    private mutating func write(_ endpoint: SSHForwardEndpoint) {
        switch endpoint {
        case .tcp(let host, let port):
            writeInteger(UInt8(0))
            writeText(host)
            writeInteger(UInt32(clamping: port))
        case .unix(let path):
            writeInteger(UInt8(1))
            writeText(path)
        }
    }

    private mutating func readEndpoint() -> SSHForwardEndpoint? {
        switch readInteger(as: UInt8.self) {
        case 0:
            guard let host = readText(), let port = readInteger(as: UInt32.self), port <= 65535 else { return nil }
            return .tcp(host: host, port: Int(port))
        case 1: return readText().map { .unix(path: $0) }
        default: return nil
        }
    }

    private mutating func write(_ listener: ConfigurationForward.Listener) {
        switch listener {
        case .port(let host, let port):
            writeFlag(host != nil)
            write(SSHForwardEndpoint.tcp(host: host ?? "", port: port))
        case .socket(let path):
            writeFlag(true)
            write(SSHForwardEndpoint.unix(path: path))
        }
    }

    private mutating func readListener() -> ConfigurationForward.Listener? {
        guard let hasHost = readFlag(), let endpoint = readEndpoint() else { return nil }
        return switch endpoint {
        case .tcp(let host, let port): .port(host: hasHost ? host : nil, port)
        case .unix(let path): .socket(path)
        }
    }

    private mutating func write(_ target: ConfigurationForward.Target) {
        switch target {
        case .port(let host, let port):
            writeFlag(true)
            write(SSHForwardEndpoint.tcp(host: host, port: port))
        case .socket(let path):
            writeFlag(true)
            write(SSHForwardEndpoint.unix(path: path))
        case .socks: writeFlag(false)
        }
    }

    private mutating func readTarget() -> ConfigurationForward.Target? {
        guard let isPlace = readFlag() else { return nil }
        guard isPlace else { return .socks }
        return switch readEndpoint() {
        case .tcp(let host, let port): .port(host: host, port)
        case .unix(let path): .socket(path)
        case nil: nil
        }
    }
}
