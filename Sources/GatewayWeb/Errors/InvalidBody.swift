import Foundation
import Gateway

extension GatewayError {
    /// What is wrong with a request body, with the field named. The body's content is never repeated.
    init(invalidBody error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            let field = Self.path(context.codingPath + [key])
            self = .invalid(field: field, "The field “\(field)” is missing.")
        case .valueNotFound(_, let context):
            let field = Self.path(context.codingPath)
            self = .invalid(field: field, "The field “\(field)” must not be null.")
        case .typeMismatch(let type, let context):
            let field = Self.path(context.codingPath)
            let sentence =
                field.isEmpty
                ? "The body must be a JSON object."
                : "The field “\(field)” must be \(Self.noun(type))."
            self = .invalid(field: field.isEmpty ? nil : field, sentence)
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            let field = Self.path(context.codingPath)
            self = .invalid(field: field, "The field “\(field)” has a value that is not understood.")
        default:
            self = .invalid(field: nil, "The body is not valid JSON.")
        }
    }

    static func invalid(field: String?, _ sentence: String) -> GatewayError {
        GatewayError("invalid", status: 422, sentence, hint: "Correct it and send the request again.", field: field)
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }

    private static func noun(_ type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}
