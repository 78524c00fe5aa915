/// Something that a model can do here.
public struct Tool<Principal: Sendable>: Sendable {
    public let name: String
    public let title: String
    /// One or two sentences; models read every tool's in every conversation.
    public let description: String
    public let input: Schema
    public let output: Schema
    public let hints: ToolHints
    let call: @Sendable (Arguments, CallContext<Principal>) async throws -> ToolAnswer

    public init(
        _ name: String, title: String, _ description: String, input: Schema, output: Schema, hints: ToolHints,
        call: @escaping @Sendable (Arguments, CallContext<Principal>) async throws -> ToolAnswer
    ) {
        self.name = name
        self.title = title
        self.description = description
        self.input = input
        self.output = output
        self.hints = hints
        self.call = call
    }

    var json: JSONValue {
        [
            "name": .string(name), "title": .string(title), "description": .string(description),
            "inputSchema": input.json, "outputSchema": output.json, "annotations": hints.json,
        ]
    }
}

/// What a client may assume of a tool. All of them reach other machines.
public struct ToolHints: Sendable, Hashable {
    let isReadOnly: Bool
    let isDestructive: Bool
    let isIdempotent: Bool

    public static let reads = ToolHints(isReadOnly: true, isDestructive: false, isIdempotent: true)
    public static let acts = ToolHints(isReadOnly: false, isDestructive: false, isIdempotent: false)
    public static let destroys = ToolHints(isReadOnly: false, isDestructive: true, isIdempotent: false)

    var json: JSONValue {
        [
            "readOnlyHint": .bool(isReadOnly), "destructiveHint": .bool(isDestructive),
            "idempotentHint": .bool(isIdempotent), "openWorldHint": true,
        ]
    }
}

/// What a tool found: for the model in words, for programs as data.
public struct ToolAnswer: Sendable {
    public var text: String
    public var data: JSONValue
    /// Whether the tool could not do what was asked, in a way that the model may mend.
    public var isError: Bool

    public init(text: String, data: JSONValue, isError: Bool = false) {
        self.text = text
        self.data = data
        self.isError = isError
    }
}

/// Thrown by a tool: what went wrong, for the model.
public struct ToolFailure: Error, Sendable {
    /// A stable name, such as `control_held`.
    public let code: String
    public let message: String
    public let hint: String
    /// More for programs.
    public let details: [String: JSONValue]

    public init(_ code: String, _ message: String, hint: String, details: [String: JSONValue] = [:]) {
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details
    }

    var answer: ToolAnswer {
        var data = details
        data["error"] = .string(message)
        data["code"] = .string(code)
        data["hint"] = .string(hint)
        return ToolAnswer(text: "\(message)\n\(hint)\n(code: \(code))", data: .object(data), isError: true)
    }
}

/// The arguments of a call, read by name and kind.
public struct Arguments: Sendable {
    public let values: [String: JSONValue]

    public init(_ values: [String: JSONValue]) { self.values = values }

    private func value(_ name: String) -> JSONValue? {
        guard let value = values[name], value != .null else { return nil }
        return value
    }

    private static func wrong(_ name: String, _ kind: String) -> ToolFailure {
        ToolFailure(
            "invalid", "“\(name)” must be \(kind).", hint: "Look at the tool's input schema.",
            details: ["field": .string(name)])
    }

    public func string(_ name: String) throws -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string else { throw Self.wrong(name, "a text") }
        return text
    }

    public func required(_ name: String) throws -> String {
        guard let text = try string(name), !text.isEmpty else {
            throw ToolFailure(
                "missing", "“\(name)” is missing.", hint: "Look at the tool's input schema.",
                details: ["field": .string(name)])
        }
        return text
    }

    /// A whole number; models write 5.0 at times.
    public func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        let number: Int64?
        switch value(name) {
        case nil: return nil
        case .integer(let value): number = value
        case .number(let value): number = Int64(exactly: value)
        case .string(let text): number = Int64(text)
        default: number = nil
        }
        guard let number, let value = Int(exactly: number), range.contains(value) else {
            throw Self.wrong(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    public func bool(_ name: String) throws -> Bool? {
        switch value(name) {
        case nil: return nil
        case .bool(let value): return value
        default: throw Self.wrong(name, "true or false")
        }
    }

    public func strings(_ name: String) throws -> [String]? {
        guard let value = value(name) else { return nil }
        guard let texts = value.array?.map(\.string), !texts.contains(nil) else {
            throw Self.wrong(name, "a list of texts")
        }
        return texts.compactMap { $0 }
    }

    public func object(_ name: String) throws -> [String: JSONValue]? {
        guard let value = value(name) else { return nil }
        guard let object = value.object else { throw Self.wrong(name, "an object") }
        return object
    }

    public func objects(_ name: String) throws -> [[String: JSONValue]]? {
        guard let value = value(name) else { return nil }
        guard let objects = value.array?.map(\.object), !objects.contains(nil) else {
            throw Self.wrong(name, "a list of objects")
        }
        return objects.compactMap { $0 }
    }

    /// One of several words.
    public func choice(_ name: String, _ words: [String]) throws -> String? {
        guard let text = try string(name) else { return nil }
        guard words.contains(text) else { throw Self.wrong(name, "one of " + words.joined(separator: ", ")) }
        return text
    }
}
