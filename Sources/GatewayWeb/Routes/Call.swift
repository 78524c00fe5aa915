import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore

/// One request as a route sees it: the parameters of its path, its query, its body.
struct Call: Sendable {
    let request: Request
    let context: WebRequestContext
    /// The whole body; empty for a request that has none.
    let bodyBytes: ByteBuffer

    /// A part of the path, `:id` in the route. Empty when the route has none of that name.
    func parameter(_ name: String) -> String {
        let text = context.parameters.get(name) ?? ""
        return text.removingPercentEncoding ?? text
    }

    /// A value of the query as a form encodes it: a plus is a space.
    func query(_ name: String) -> String? {
        for pair in (request.uri.query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.first.map({ $0 == name }) == true else { continue }
            let text = parts.count > 1 ? String(parts[1]).replacingOccurrences(of: "+", with: " ") : ""
            return text.removingPercentEncoding ?? text
        }
        return nil
    }

    /// A whole number of the query, within bounds.
    /// - Throws: 422 naming the parameter when it is anything else.
    func integer(_ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
        guard let text = query(name) else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw GatewayError.invalid(
                field: name, "“\(name)” must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// What the client calls itself, for the list of sign-ins.
    var device: String { String((request.headers[.userAgent] ?? "").prefix(200)) }

    /// The body as JSON.
    /// - Throws: 422 naming the field when it does not fit.
    func body<Body: Decodable>(_ type: Body.Type) throws -> Body {
        do {
            return try JSONDecoder().decode(type, from: Data(bodyBytes.readableBytesView))
        } catch let error as DecodingError {
            throw GatewayError(invalidBody: error)
        }
    }

    /// Reads a request's whole body, before anything is done with it: a body is read by one task only.
    /// - Throws: 413 when it is too large; the announced length is believed at once.
    static func collectBody(of request: Request, limits: WebLimits) async throws -> ByteBuffer {
        let tooLarge = GatewayError(
            "too_large", status: 413, "The body of this request is larger than \(limits.bodyBytes / 1024) KiB.",
            hint: "Send less at once.")
        if let length = request.headers[.contentLength].flatMap(Int.init), length > limits.bodyBytes { throw tooLarge }
        do {
            return try await request.body.collect(upTo: limits.bodyBytes)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }
}
