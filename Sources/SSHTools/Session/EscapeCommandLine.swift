import SSH

/// A line typed after `~C`: forwards to add and to end, as ssh(1) writes them.
enum EscapeCommandLine: Equatable {
    case nothing
    case help
    case add(ConfigurationForward, ForwardText.Kind)
    case cancel(ConfigurationForward.Listener, ForwardText.Kind)
    case invalid

    init(_ line: String) {
        var text = line.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        guard !text.isEmpty else {
            self = .nothing
            return
        }
        if text == "help" || text == "?" || text == "-h" || text == "-?" {
            self = .help
            return
        }
        if text.hasPrefix("-") { text = text.dropFirst() }
        let isCancelling = text.hasPrefix("K")
        if isCancelling { text = text.dropFirst() }
        let kind: ForwardText.Kind
        switch text.first {
        case "L": kind = .local
        case "R": kind = .remote
        case "D": kind = .dynamic
        default:
            self = .invalid
            return
        }
        let rest = String(text.dropFirst().drop { $0 == " " || $0 == "\t" })
        // What ends a forward names only where it listens.
        if let forward = ForwardText.parse(rest, isCancelling ? .dynamic : kind) {
            self = isCancelling ? .cancel(forward.listener, kind) : .add(forward, kind)
        } else {
            self = .invalid
        }
    }

    static let helpText = [
        "Commands:",
        "      -L[bind_address:]port:host:hostport    Request local forward",
        "      -R[bind_address:]port:host:hostport    Request remote forward",
        "      -D[bind_address:]port                  Request dynamic forward",
        "      -KL[bind_address:]port                 Cancel local forward",
        "      -KR[bind_address:]port                 Cancel remote forward",
        "      -KD[bind_address:]port                 Cancel dynamic forward",
    ]

    /// Does what the line asks for, and says what came of it.
    func run(on forwards: ConnectionForwards) async -> [String] {
        switch self {
        case .nothing: return []
        case .help: return Self.helpText
        case .invalid: return ["Invalid command. Type “help” for those that there are."]
        case .add(let forward, let kind):
            do throws(SSHError) {
                return [try await forwards.add(forward, kind) ?? "Forwarding port."]
            } catch {
                return ["Port forwarding failed: \(error.description)"]
            }
        case .cancel(let listener, let kind):
            return [await forwards.cancel(listener, kind) ? "Canceled forwarding." : "Unknown port forwarding."]
        }
    }
}
