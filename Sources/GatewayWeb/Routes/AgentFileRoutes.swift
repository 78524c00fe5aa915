import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore

/// An agent's files: the paths are those of people's, the meaning is that of the tool that agents know.
extension AgentRoutes {
    struct FileBody: Decodable {
        let content: String?
        let contentBase64: String?
        /// Octal digits.
        let mode: String?
        let ifMatch: String?
    }
    struct EditBody: Decodable {
        let edits: [AgentFileEdit]
        let ifMatch: String?
    }

    func addFiles(to routes: RouteTable) {
        routes.agent(.patch, "/api/sessions/:id/files", bodyBytes: Self.largeBody, time: Self.time) { call, agent in
            let body = try call.body(EditBody.self)
            return try JSONAnswer.response(
                try await agents.editFile(
                    call.parameter("id"), call.query("path") ?? "", edits: body.edits, ifMatch: body.ifMatch, agent))
        }
        routes.agent(.get, "/api/sessions/:id/dir", time: Self.time) { call, agent in
            try JSONAnswer.response(
                try await agents.listDirectory(call.parameter("id"), call.query("path") ?? ".", agent))
        }
    }

    func readFile(_ call: Call, _ agent: Agent) async throws -> Response {
        let most = Int64(AgentService.fileLimit)
        let file = try await agents.readFile(
            call.parameter("id"), call.query("path") ?? "",
            offset: Int(try call.integer("offset", in: 0...(1 << 52)) ?? 0),
            length: try call.integer("length", in: 1...most).map { Int($0) }, agent)
        var headers: HTTPFields = [.contentType: "application/octet-stream"]
        if let sum = file.sha256 { headers[.eTag] = "\"\(sum)\"" }
        if let size = file.size, let name = HTTPField.Name("X-File-Size") { headers[name] = String(size) }
        if let name = HTTPField.Name("X-Redactions") { headers[name] = String(file.redactions) }
        if let mode = file.mode, let name = HTTPField.Name("X-File-Mode") { headers[name] = mode }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }

    func writeFile(_ call: Call, _ agent: Agent) async throws -> Response {
        let body = try call.body(FileBody.self)
        guard let bytes = try ExecBody.bytes(body.content, body.contentBase64, "contentBase64") else {
            throw GatewayError(
                "missing_content", status: 400, "Missing content.", hint: "Send “content” or “contentBase64”.",
                field: "content")
        }
        var mode: UInt32?
        if let text = body.mode {
            guard let number = UInt32(text, radix: 8), number <= 0o7777 else {
                throw GatewayError.invalid(field: "mode", "“mode” must be octal digits such as 0644.")
            }
            mode = number
        }
        return try JSONAnswer.response(
            try await agents.writeFile(
                call.parameter("id"), call.query("path") ?? "",
                AgentFileWrite(contents: bytes, mode: mode, ifMatch: body.ifMatch), agent))
    }

    func removeFile(_ call: Call, _ agent: Agent) async throws -> Response {
        try await agents.removeFile(call.parameter("id"), call.query("path") ?? "", agent)
        return try JSONAnswer.response(SuccessAnswer())
    }
}
