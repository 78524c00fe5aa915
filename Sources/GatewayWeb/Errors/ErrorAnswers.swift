import Gateway
import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1

/// Turns everything that goes wrong into the one error shape of the API. What was not foreseen becomes a plain 500:
/// its text may tell too much, so it goes nowhere but, by its type, into the log.
struct ErrorAnswers: RouterMiddleware {
    typealias Context = WebRequestContext

    let routes: RouteTable

    func handle(
        _ request: Request, context: WebRequestContext,
        next: (Request, WebRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as GatewayError {
            return Self.answer(error)
        } catch let error as HTTPError where error.status == .notFound {
            return notFound(request)
        } catch let error as HTTPError {
            return Self.answer(Self.plain(error))
        } catch is CancellationError {
            return Self.answer(Self.stopping)
        } catch let error as HTTPParserError {
            // The connection's own business: it answers 400 and closes.
            throw error
        } catch {
            context.logger.error("A request failed unexpectedly.", metadata: ["error": "\(type(of: error))"])
            return Self.answer(Self.unexpected(requestID: context.requestID))
        }
    }

    /// No route took the request: another method of the same path, or nothing here at all.
    private func notFound(_ request: Request) -> Response {
        let methods = routes.methods(for: request.uri.path)
        guard !methods.isEmpty else {
            return Self.answer(
                GatewayError(
                    "not_found", status: 404, "There is nothing at this address.",
                    hint: "The calls that exist are described at /openapi.yaml."))
        }
        let allowed = methods.map(\.rawValue).sorted().joined(separator: ", ")
        var response = Self.answer(
            GatewayError(
                "method_not_allowed", status: 405, "This address does not take \(request.method.rawValue).",
                hint: "It takes \(allowed)."))
        response.headers[.allow] = allowed
        return response
    }

    static func answer(_ error: GatewayError) -> Response {
        let body = ErrorBody(error)
        let status = HTTPResponse.Status(code: error.status)
        var response = (try? JSONAnswer.response(body, status: status)) ?? Response(status: .internalServerError)
        if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
        // RFC 9110 §15.5.2 asks for it. A browser shows no window for this scheme.
        if error.status == 401 { response.headers[.wwwAuthenticate] = "Bearer realm=\"copilot\"" }
        // The rest of a body that was too large is not read: the connection ends with the answer.
        if error.status == 413 { response.headers[.connection] = "close" }
        return response
    }

    private static func plain(_ error: HTTPError) -> GatewayError {
        if error.status == .contentTooLarge {
            return GatewayError(
                "too_large", status: 413, "The body of this request is too large.",
                hint: "Send less at once.")
        }
        return GatewayError(
            "bad_request", status: error.status.code, "This request could not be understood.",
            hint: "The calls that exist are described at /openapi.yaml.")
    }

    private static var stopping: GatewayError {
        GatewayError(
            "stopping", status: 503, "The server is stopping and did not finish this request.",
            hint: "Try again in a moment.", retryAfter: 5)
    }

    private static func unexpected(requestID: String) -> GatewayError {
        GatewayError(
            "internal", status: 500, "Something went wrong inside the copilot.",
            hint: "Try again. The log has more under request \(requestID).")
    }
}

/// The error body of every call. Details of the domain, such as the two keys of a changed host, stand beside the rest.
struct ErrorBody: Encodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ text: String) { stringValue = text }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    private let problem: GatewayError

    init(_ problem: GatewayError) {
        self.problem = problem
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (name, value) in problem.details { try container.encode(value, forKey: Key(name)) }
        try container.encode(problem.error, forKey: Key("error"))
        try container.encode(problem.code, forKey: Key("code"))
        try container.encode(problem.hint, forKey: Key("hint"))
        try container.encodeIfPresent(problem.missing, forKey: Key("missing"))
        try container.encodeIfPresent(problem.field, forKey: Key("field"))
    }
}
