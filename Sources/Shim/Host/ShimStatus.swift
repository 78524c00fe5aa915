// What a shim says while it runs.

import SSH

/// A line for a person, and the same for a program.
public struct ShimStatus: Sendable {
    public let event: ShimEvent

    public init(_ event: ShimEvent) { self.event = event }

    /// One sentence; the upstream's name stands before it.
    public var line: String {
        switch event {
        case .connecting(let name): "\(name): connecting"
        case .connected(let name): "\(name): connected"
        case .grown(let name, let count):
            "\(name): connected once more (\(count) connections), since the host takes no further sessions on the others"
        case .growthFailed(let name, let failure): "\(name): a further connection failed: \(failure.description)"
        case .lost(let name, let failure, let remaining):
            "\(name): a connection was lost: \(failure.description)"
                + (remaining > 0 ? " \(remaining) remain." : "")
        case .waiting(let name, let failure, let delay):
            "\(name): \(failure.description) Next attempt in \(Self.seconds(delay)) s."
        case .failed(let name, let failure):
            "\(name): nothing more is tried: \(failure.description)\n  \(failure.hint) SIGHUP has it tried again."
        case .forwardRestored(let name, let endpoint): "\(name): the host listens on \(endpoint) again"
        case .forwardMissing(let name, let endpoint, let failure):
            "\(name): the host does not listen on \(endpoint) yet: \(failure.description)"
        case .refused(let why): why
        }
    }

    /// For a JSON object.
    public var fields: [String: Value] {
        switch event {
        case .connecting(let name): Self.fields("connecting", name)
        case .connected(let name): Self.fields("connected", name)
        case .grown(let name, let count): Self.fields("grown", name, nil, ["connections": .number(count)])
        case .growthFailed(let name, let failure): Self.fields("growth_failed", name, failure)
        case .lost(let name, let failure, let remaining):
            Self.fields("lost", name, failure, ["connections": .number(remaining)])
        case .waiting(let name, let failure, let delay):
            Self.fields("waiting", name, failure, ["milliseconds": .number(Int(delay / .milliseconds(1)))])
        case .failed(let name, let failure): Self.fields("failed", name, failure)
        case .forwardRestored(let name, let endpoint):
            Self.fields("forward_restored", name, nil, ["listening": .text(endpoint.description)])
        case .forwardMissing(let name, let endpoint, let failure):
            Self.fields("forward_missing", name, failure, ["listening": .text(endpoint.description)])
        case .refused(let why): ["event": .text("refused"), "reason": .text(why)]
        }
    }

    public enum Value: Sendable, Hashable, Encodable {
        case text(String)
        case number(Int)

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            }
        }
    }

    private static func fields(
        _ event: String, _ upstream: String, _ failure: UpstreamFailure? = nil, _ more: [String: Value] = [:]
    ) -> [String: Value] {
        var fields = more
        fields["event"] = .text(event)
        fields["upstream"] = .text(upstream)
        if let failure {
            fields["reason"] = .text(failure.description)
            fields["hint"] = .text(failure.hint)
        }
        return fields
    }

    private static func seconds(_ delay: Duration) -> String {
        let tenths = Int((delay / .milliseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
