import Foundation
import Gateway

/// How long a call waits, in the body of one.
struct WaitBody: Decodable {
    let waitMs: Int?

    var wait: Duration { .milliseconds(min(max(waitMs ?? 0, 0), 600_000)) }
}

struct ExecBody: Decodable {
    struct Output: Decodable {
        let maxBytes: Int?
        let head: Int?
        let tail: Int?
        let encoding: String?
    }

    let command: String?
    let argv: [String]?
    let cwd: String?
    let env: [String: String]?
    let stdin: String?
    let stdinBase64: String?
    let stdinOpen: Bool?
    let timeoutMs: Int?
    let onTimeout: ExecRequest.OnTimeout?
    let waitMs: Int?
    let idempotencyKey: String?
    let durable: Bool?
    let sudo: Bool?
    let terminal: Bool?
    let purpose: String?
    let dryRun: Bool?
    let output: Output?

    /// Whether it has nothing but the command: such a caller waits for the end, up to two minutes.
    var isPlain: Bool { waitMs == nil && timeoutMs == nil && onTimeout == nil && idempotencyKey == nil }

    func request() throws -> ExecRequest {
        let milliseconds = min(max(timeoutMs ?? (isPlain ? 119_500 : 120_000), 1), 24 * 3600 * 1000)
        var request = ExecRequest(
            command: command, arguments: argv, workingDirectory: cwd, environment: env ?? [:],
            input: try Self.bytes(stdin, stdinBase64, "stdinBase64"), keepsInputOpen: stdinOpen ?? false,
            timeout: .milliseconds(milliseconds), onTimeout: onTimeout ?? .detach,
            wait: .milliseconds(min(max(waitMs ?? 120_000, 0), 600_000)), idempotencyKey: idempotencyKey,
            isDurable: durable ?? false,
            purpose: purpose.map { String($0.prefix(500)) }, isDryRun: dryRun ?? false,
            view: CommandViewOptions(
                maxBytes: output?.maxBytes, head: output?.head, tail: output?.tail,
                base64: output?.encoding == "base64"))
        request.isRoot = sudo ?? false
        request.inTerminal = terminal ?? false
        return request
    }

    static func bytes(_ text: String?, _ base64: String?, _ field: String) throws -> [UInt8]? {
        if let text { return Array(text.utf8) }
        guard let base64 else { return nil }
        guard let data = Data(base64Encoded: base64) else {
            throw GatewayError.invalid(field: field, "“\(field)” is not base64.")
        }
        return Array(data)
    }
}

struct CommandInputBody: Decodable {
    let input: String?
    let inputBase64: String?
    let endOfFile: Bool?

    func bytes() throws -> [UInt8] { try ExecBody.bytes(input, inputBase64, "inputBase64") ?? [] }
}

struct SignalBody: Decodable {
    let signal: String?
}

struct InputBody: Decodable {
    let input: String?
    let keys: [String]?
    let waitFor: String?
    let waitForMode: String?
    let timeout: Int?
    let quietMs: Int?
    let epoch: Int?

    func typing() throws -> TerminalInput {
        guard input?.isEmpty == false || keys?.isEmpty == false || waitFor != nil || waitForMode != nil else {
            throw GatewayError(
                "missing_input", status: 400, "Missing input.",
                hint: "Send “input”, “keys”, or what to wait for.", field: "input")
        }
        return TerminalInput(
            input: input, keys: keys ?? [], waitFor: try wait(),
            timeout: .milliseconds(min(max(timeout ?? 10_000, 0), 600_000)), epoch: epoch)
    }

    private func wait() throws -> TerminalInput.WaitFor? {
        switch waitForMode {
        case nil, "regex": return waitFor.map { .pattern($0) }
        case "literal": return .literal(waitFor ?? "")
        case "prompt": return .prompt
        case "quiet": return .quiet(.milliseconds(min(max(quietMs ?? 500, 50), 60_000)))
        default:
            throw GatewayError.invalid(
                field: "waitForMode", "“waitForMode” must be regex, literal, prompt or quiet.")
        }
    }
}

struct HandoffBody: Decodable {
    var message: String?
    var kind: String?
    var waitMs: Int?

    init() {}
}

struct PlanBody: Decodable {
    let goal: String?
    let steps: [AgentService.PlannedStep]
}
