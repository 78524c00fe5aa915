import Gateway
import HTTPTypes
import Hummingbird
import NIOCore

/// `/api/imports/hosts`: hosts from other people's lists, and those that wait for their key to be confirmed.
struct ImportRoutes: Sendable {
    /// Bytes of a list.
    private static let longestList = 1 << 20

    private struct ServicesBody: Decodable {
        let name: String
        let dryRun: Bool?
        let username: String?
        let environment: HostEnvironment?
        let tags: [String]?
    }

    let hosts: Hosts

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/imports/hosts") { _, caller in
            try JSONAnswer.response(QuarantineAnswer(hosts: try await hosts.quarantined(caller)))
        }
        routes.signedInWithBytes(.post, "/api/imports/hosts") { call, caller in try await importList(call, caller) }
        routes.signedIn(.post, "/api/imports/hosts/services") { call, caller in
            let body = try call.body(ServicesBody.self)
            let plan = try await hosts.importServices(
                body.name, servers: try NameServers(),
                defaults: .init(username: body.username, environment: body.environment, tags: body.tags ?? []),
                dryRun: body.dryRun ?? true, caller: caller)
            return try JSONAnswer.response(plan)
        }
        routes.signedIn(.delete, "/api/imports/hosts/:id") { call, caller in
            try await hosts.dropQuarantined(call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
    }

    private func importList(_ call: Call, _ caller: Caller) async throws -> Response {
        let text = try await list(call)
        var format = ImportFormat.guess(name: call.query("name") ?? "", text: text)
        if let named = call.query("format"), named != "auto" {
            guard let known = ImportFormat(rawValue: named), known != .srv else {
                throw GatewayError.invalid(
                    field: "format", "“format” must be auto, ansible-ini, ansible-yaml, ssh-config or csv.")
            }
            format = known
        }
        var environment: HostEnvironment?
        if let named = call.query("environment"), !named.isEmpty {
            guard let known = HostEnvironment(rawValue: named) else {
                throw GatewayError.invalid(field: "environment", "“environment” is not one that there is.")
            }
            environment = known
        }
        let username = call.query("username") ?? ""
        let plan = try await hosts.importList(
            text, as: format,
            defaults: .init(
                username: username.isEmpty ? nil : username, environment: environment,
                tags: (call.query("tags") ?? "").split(separator: ",").map(String.init)),
            dryRun: call.query("dryRun") != "false", caller: caller)
        return try JSONAnswer.response(plan)
    }

    private func list(_ call: Call) async throws -> String {
        let bytes: ByteBuffer
        do { bytes = try await call.request.body.collect(upTo: Self.longestList) } catch is NIOTooManyBytesError {
            throw GatewayError(
                "too_large", status: 413, "The list has more than \(Self.longestList / 1024) KiB.",
                hint: "Import it in parts.")
        }
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
            throw GatewayError.invalid(field: nil, "The list is not UTF-8 text.")
        }
        return text
    }
}

struct QuarantineAnswer: Encodable {
    let hosts: [QuarantinedHost]
}
