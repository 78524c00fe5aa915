import Gateway
import NIOCore
import SFTP
import SSH

/// What looks at the bytes of a command or of SFTP on their way. Loop-bound.
protocol ChannelWatch: AnyObject {
    /// What goes to the host of this, and what the client is answered at once.
    func fromClient(_ data: ByteBuffer) throws -> (toHost: [ByteBuffer], toClient: [ByteBuffer])
    /// What goes to the client of this.
    func fromHost(_ data: ByteBuffer, _ stream: SSHDataStream) throws -> [ByteBuffer]
    /// - Throws: When it may not go on.
    func reauthorise(_ caller: Caller) throws(GatewayError)
    func ended(_ ending: SessionEnding)
    /// Told when the host has to wait.
    func onHold(_ tell: @escaping @Sendable (Bool) -> Void)
}

/// A command: counted, hashed and recorded.
final class CommandWatch: ChannelWatch {
    private let run: CommandRun
    private let host: SessionHost
    private let sessions: Sessions

    init(_ run: CommandRun, on host: SessionHost, sessions: Sessions) {
        self.run = run
        self.host = host
        self.sessions = sessions
    }

    func fromClient(_ data: ByteBuffer) -> (toHost: [ByteBuffer], toClient: [ByteBuffer]) {
        run.input(data)
        return ([data], [])
    }

    func fromHost(_ data: ByteBuffer, _ stream: SSHDataStream) -> [ByteBuffer] {
        run.output(data)
        return [data]
    }

    func reauthorise(_ caller: Caller) throws(GatewayError) {
        try sessions.requireCommand(run.kind, on: host, caller: caller)
    }

    func ended(_ ending: SessionEnding) { run.finish(ending) }

    func onHold(_ tell: @escaping @Sendable (Bool) -> Void) { run.onHold(tell) }
}

/// Files: each operation permitted or not, and written down.
final class FileWatch: ChannelWatch {
    private var inspection: SFTPInspection
    private var caller: Caller
    private let host: SessionHost
    private let sessions: Sessions

    init(_ caller: Caller, on host: SessionHost, sessions: Sessions) throws(GatewayError) {
        let rights = try sessions.fileRights(on: host, caller: caller)
        inspection = SFTPInspection(mayRead: rights.mayRead, mayWrite: rights.mayWrite)
        self.caller = caller
        self.host = host
        self.sessions = sessions
    }

    func fromClient(_ data: ByteBuffer) throws -> (toHost: [ByteBuffer], toClient: [ByteBuffer]) {
        let passage = try inspection.fromClient(data)
        note(passage.events)
        return (passage.toHost, passage.toClient)
    }

    func fromHost(_ data: ByteBuffer, _ stream: SSHDataStream) throws -> [ByteBuffer] {
        guard stream == .standardOutput else { return [data] }
        let passage = try inspection.fromHost(data)
        note(passage.events)
        return passage.toClient
    }

    func reauthorise(_ caller: Caller) throws(GatewayError) {
        let rights = try sessions.fileRights(on: host, caller: caller)
        self.caller = caller
        inspection.mayRead = rights.mayRead
        inspection.mayWrite = rights.mayWrite
    }

    func ended(_ ending: SessionEnding) { note(inspection.end()) }

    func onHold(_ tell: @escaping @Sendable (Bool) -> Void) {}

    private func note(_ events: [SFTPInspectionEvent]) {
        for event in events { sessions.note(event, on: host, caller: caller) }
    }
}
