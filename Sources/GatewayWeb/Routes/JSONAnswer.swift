import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// JSON in and out, the same way in every call: camelCase as the types are written, unknown keys ignored.
enum JSONAnswer {
    static func response(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        let body = ByteBuffer(bytes: try encoder.encode(value))
        return Response(
            status: status, headers: [.contentType: "application/json; charset=utf-8"],
            body: ResponseBody(byteBuffer: body))
    }

    /// The answer of a call that has nothing to say.
    static var noContent: Response { Response(status: .noContent) }
}
