import Crypto
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import SwiftASN1
import X509

/// `/trust`: how a device is told to trust this copilot's own authority. Open to all: whoever has to trust it is not
/// signed in yet, and a certificate is no secret.
struct TrustRoutes: Sendable {
    struct TrustAnswer: Encodable {
        /// Whether this copilot's certificate is of an authority of its own.
        let isOwn: Bool
        /// SHA-256 of the authority's certificate, in pairs of hexadecimal digits.
        let fingerprint: String
        /// The day on which it ends.
        let until: String
    }

    let transport: WebConfiguration.Transport

    func add(to routes: RouteTable) {
        routes.open(.get, "/trust") { _ in
            Response(status: .found, headers: [.location: "/#/trust"])
        }
        routes.open(.get, "/api/trust") { _ in
            guard let (certificate, bytes) = authority() else {
                return try JSONAnswer.response(TrustAnswer(isOwn: false, fingerprint: "", until: ""))
            }
            let pairs = SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16).uppercased() }
            return try JSONAnswer.response(
                TrustAnswer(
                    isOwn: true, fingerprint: pairs.joined(separator: ":"),
                    until: String(certificate.notValidAfter.ISO8601Format().prefix(10))))
        }
        routes.open(.get, "/trust/authority.crt") { _ in
            guard let (_, bytes) = authority() else {
                throw GatewayError(
                    "no_authority", status: 404, "This copilot's certificate is of somebody else's authority.",
                    hint: "There is nothing to trust here: ask who made the certificate.")
            }
            return Response(
                status: .ok,
                headers: [
                    .contentType: "application/x-x509-ca-cert",
                    .contentDisposition: #"attachment; filename="ssh-copilot-authority.crt""#,
                ],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
    }

    /// The authority, when it signed what is served now: its file may be left over from before.
    private func authority() -> (Certificate, [UInt8])? {
        guard case .tls(let path, _) = transport,
            let served = try? String(contentsOfFile: path, encoding: .utf8),
            let pem = try? String(contentsOfFile: LocalAuthority.certificatePath(beside: path), encoding: .utf8),
            let document = try? PEMDocument(pemString: pem), let leaf = try? Certificate(pemEncoded: served),
            let certificate = try? Certificate(pemDocument: document),
            certificate.publicKey.isValidSignature(leaf.signature, for: leaf)
        else { return nil }
        return (certificate, document.derBytes)
    }
}
