import Foundation
import HTTPTypes
import Yams

@testable import GatewayWeb

/// `openapi.yaml`, and the check of an answer against it. Knows the part of JSON Schema that the description uses, and
/// complains about any other word: a schema that is not understood checks nothing.
struct OpenAPIDescription {
    enum Failure: Error {
        case notADescription
    }

    /// Words that say nothing about validity here.
    private static let silentWords: Set<String> = ["description", "format", "title"]

    private let root: [String: Any]

    init(_ yaml: String) throws {
        guard let root = try Yams.load(yaml: yaml) as? [String: Any] else { throw Failure.notADescription }
        self.root = root
    }

    /// The one that the server serves.
    static func served() throws -> OpenAPIDescription {
        let file = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/GatewayWeb/Resources/openapi.yaml")
        return try OpenAPIDescription(String(contentsOf: file, encoding: .utf8))
    }

    /// Every call as `GET /api/users/{id}`.
    var calls: Set<String> {
        var calls: Set<String> = []
        for (path, value) in root["paths"] as? [String: Any] ?? [:] {
            for method in (value as? [String: Any] ?? [:]).keys where method != "parameters" {
                calls.insert("\(method.uppercased()) \(path)")
            }
        }
        return calls
    }

    /// What is wrong with an answer; nothing when it is as described.
    func problems(method: String, path: String, response: RawResponse) -> [String] {
        guard let operation = operation(method: method, path: path) else {
            return response.status == 404 || response.status == 405 ? [] : ["\(method) \(path) is not described"]
        }
        let answers = operation["responses"] as? [String: Any] ?? [:]
        let known = answers["\(response.status)"] ?? (response.status >= 400 ? answers["default"] : nil)
        guard let answer = resolved(known) else { return ["status \(response.status) is not described"] }
        guard let content = answer["content"] as? [String: Any] else {
            return response.body.isEmpty ? [] : ["a body where none is described"]
        }
        let type = String((response.headers["content-type"] ?? "").prefix { $0 != ";" })
        guard let media = content[type] as? [String: Any] else { return ["content type \(type) is not described"] }
        guard type == "application/json" else { return [] }
        guard let value = try? JSONValue(response.body) else { return ["the body is not JSON"] }
        return problems(value, media["schema"], at: "body")
    }

    private func operation(method: String, path: String) -> [String: Any]? {
        let segments = path.prefix { $0 != "?" }.split(separator: "/")
        let paths = root["paths"] as? [String: Any] ?? [:]
        let matching = paths.keys.filter { pattern in
            let parts = pattern.split(separator: "/")
            return parts.count == segments.count && zip(parts, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        // A literal segment is meant before a parameter: /api/hosts/probe is not a host.
        let best = matching.min { $0.count { $0 == "{" } < $1.count { $0 == "{" } }
        return best.flatMap { paths[$0] as? [String: Any] }?[method.lowercased()] as? [String: Any]
    }

    private func resolved(_ value: Any?) -> [String: Any]? {
        guard let object = value as? [String: Any] else { return nil }
        guard let reference = object["$ref"] as? String else { return object }
        let target = reference.dropFirst(2).split(separator: "/").reduce(root as Any?) {
            ($0 as? [String: Any])?[String($1)]
        }
        return resolved(target)
    }

    // MARK: JSON Schema

    func problems(_ value: JSONValue, _ schema: Any?, at place: String) -> [String] {
        guard let schema = resolved(schema) else { return ["\(place): no schema"] }
        var found: [String] = []
        for (word, argument) in schema where !Self.silentWords.contains(word) {
            switch word {
            case "type": found += typeProblems(value, argument, place)
            case "enum":
                let allowed = (argument as? [Any] ?? []).map { "\($0)" }
                if !allowed.contains(value.text ?? "") { found.append("\(place): \(value) is none of \(allowed)") }
            case "const":
                if value.text != argument as? String { found.append("\(place): is not \(argument)") }
            case "pattern":
                let pattern = argument as? String ?? ""
                if value.text?.range(of: pattern, options: .regularExpression) == nil {
                    found.append("\(place): \(value) does not match \(pattern)")
                }
            case "items":
                for (index, item) in value.items.enumerated() {
                    found += problems(item, argument, at: "\(place).\(index)")
                }
            case "required", "properties", "additionalProperties": continue
            case "oneOf":
                let matches = (argument as? [Any] ?? []).filter { problems(value, $0, at: place).isEmpty }
                if matches.count != 1 { found.append("\(place): \(value) fits \(matches.count) of its forms") }
            default: found.append("\(place): the schema's word \(word) is not checked here")
            }
        }
        return found + memberProblems(value, schema, place)
    }

    private func typeProblems(_ value: JSONValue, _ argument: Any, _ place: String) -> [String] {
        let types = argument as? [String] ?? [argument as? String ?? ""]
        let names: Set<String> =
            switch value {
            case .null: ["null"]
            case .bool: ["boolean"]
            case .integer: ["integer", "number"]
            case .number: ["number"]
            case .string: ["string"]
            case .array: ["array"]
            case .object: ["object"]
            }
        return names.isDisjoint(with: types) ? ["\(place): \(value) is no \(types.joined(separator: " or "))"] : []
    }

    private func memberProblems(_ value: JSONValue, _ schema: [String: Any], _ place: String) -> [String] {
        guard case .object(let members) = value else { return [] }
        let described = schema["properties"] as? [String: Any] ?? [:]
        var found = (schema["required"] as? [String] ?? []).filter { members[$0] == nil }.map {
            "\(place).\($0) is missing"
        }
        for (name, member) in members {
            if let inner = described[name] {
                found += problems(member, inner, at: "\(place).\(name)")
            } else if schema["additionalProperties"] as? Bool == false {
                found.append("\(place).\(name) is not described")
            } else if schema["additionalProperties"] is [String: Any] {
                found += problems(member, schema["additionalProperties"], at: "\(place).\(name)")
            }
        }
        return found
    }
}
