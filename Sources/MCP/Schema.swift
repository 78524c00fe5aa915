/// JSON Schema (2020-12), as far as tools need it.
public struct Schema: Sendable, Hashable {
    public private(set) var json: JSONValue

    init(_ json: JSONValue) { self.json = json }

    public static func string(_ description: String = "", choices: [String] = []) -> Schema {
        Schema(kind: "string", description, choices.isEmpty ? [:] : ["enum": .array(choices.map { .string($0) })])
    }

    public static func integer(_ description: String = "", from minimum: Int64? = nil, to maximum: Int64? = nil)
        -> Schema
    {
        var more: [String: JSONValue] = [:]
        if let minimum { more["minimum"] = .integer(minimum) }
        if let maximum { more["maximum"] = .integer(maximum) }
        return Schema(kind: "integer", description, more)
    }

    public static func bool(_ description: String = "") -> Schema { Schema(kind: "boolean", description, [:]) }

    public static func list(_ element: Schema, _ description: String = "") -> Schema {
        Schema(kind: "array", description, ["items": element.json])
    }

    /// - Parameter required: the members that are always there.
    public static func object(
        _ properties: KeyValuePairs<String, Schema> = [:], required: [String] = [], _ description: String = ""
    ) -> Schema {
        var members: [String: JSONValue] = [:]
        for (name, schema) in properties { members[name] = schema.json }
        var more: [String: JSONValue] = ["properties": .object(members)]
        if !required.isEmpty { more["required"] = .array(required.map { .string($0) }) }
        return Schema(kind: "object", description, more)
    }

    /// Members of any name.
    public static func map(of value: Schema, _ description: String = "") -> Schema {
        Schema(kind: "object", description, ["additionalProperties": value.json])
    }

    /// The same, or null.
    public var orNull: Schema {
        guard case .object(var members) = json, let kind = members["type"] else { return self }
        members["type"] = [kind, "null"]
        return Schema(.object(members))
    }

    private init(kind: String, _ description: String, _ more: [String: JSONValue]) {
        var members = more
        members["type"] = .string(kind)
        if !description.isEmpty { members["description"] = .string(description) }
        json = .object(members)
    }
}
