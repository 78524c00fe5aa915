import NIOConcurrencyHelpers
import NIOCore
public import SSH

extension SSHServerHandlers {
    /// Leads shells and commands to an application. Whoever came in gets there: `authorize` decides about that, or
    /// ``ApplicationDoor``.
    ///
    /// - Parameters:
    ///   - name: Stands before what is said to the person.
    ///   - identify: Who came; what it throws is said to them. By default all but the person is known.
    public mutating func serve(
        _ application: any SSHApplication, name: String,
        identify: @escaping @Sendable (SSHServerSession) async throws -> ApplicationIdentity = {
            ApplicationIdentity($0)
        }
    ) {
        session = { session in
            let streams = ServerStreams(session)
            // The session's events are gathered as long as the visit lasts, so that the terminal's size is always known.
            let gathering = Task { await streams.gather() }
            defer { gathering.cancel() }
            let visit = ApplicationVisit(
                identity: ApplicationIdentity(session), arguments: nil, environment: session.environment,
                streams: streams)
            let asked = ApplicationClosure { visit in
                var visit = visit
                visit.identity = try await identify(session)
                visit.arguments = try Self.arguments(of: session)
                return try await application.run(visit)
            }
            return await visit.serve(by: asked, name: name)
        }
    }

    private static func arguments(of session: SSHServerSession) throws(ApplicationFailure) -> [String]? {
        switch session.program {
        case .shell: return nil
        case .subsystem:
            throw .usage("Applications have no subsystems, and so no file transfer.", hint: "Use ssh with a command.")
        case .exec(let bytes):
            do {
                return try ShellWords.parse(bytes: bytes).map { String(decoding: $0, as: UTF8.self) }
            } catch {
                throw ApplicationFailure(error)
            }
        }
    }
}

/// A session of our server as the streams of a visit.
private final class ServerStreams: VisitStreams {
    private let session: SSHServerSession
    private let fan = EventFan()
    private let present: NIOLockedValueBox<ApplicationTerminal?>

    init(_ session: SSHServerSession) {
        self.session = session
        present = NIOLockedValueBox(session.terminal.map { ApplicationTerminal($0) })
    }

    var terminal: ApplicationTerminal? { present.withLockedValue { $0 } }

    func gather() async {
        for await event in session.events {
            switch event {
            case .resized(let terminal):
                let terminal = ApplicationTerminal(terminal)
                present.withLockedValue { $0 = terminal }
                fan.yield(.resized(terminal))
            case .signal(let name): fan.yield(.signal(name))
            // A terminal's break is an interrupt.
            case .breakReceived: fan.yield(.signal("INT"))
            }
        }
        fan.finish()
    }

    func makeEvents() -> AsyncStream<ApplicationEvent> { fan.stream() }

    func read() async throws -> ByteBuffer? { try await session.read() }

    func write(_ data: ByteBuffer, to stream: SSHDataStream) async throws { try await session.write(data, to: stream) }
}

extension ApplicationTerminal {
    fileprivate init(_ terminal: SSHServerTerminal) {
        self.init(type: terminal.type, columns: terminal.columns, rows: terminal.rows)
    }
}
