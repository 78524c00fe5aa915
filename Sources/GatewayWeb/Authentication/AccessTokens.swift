import Crypto
import Foundation
import Gateway
import JWTKit

/// Signs and verifies the short-lived access token: who signed in, and in which sign-in. What that person may do is not
/// in it; that is asked anew every time.
///
/// The key is made at start and lives in memory alone. After a restart the refresh token, which is stored, fetches a
/// new access token, so nobody notices.
struct AccessTokens: Sendable {
    static let validity = 600
    private static let issuer = "copilot"

    struct Claims: JWTPayload {
        var iss: IssuerClaim
        var aud: AudienceClaim
        var sub: SubjectClaim
        var sid: String
        var iat: IssuedAtClaim
        var exp: ExpirationClaim

        func verify(using algorithm: some JWTAlgorithm) async throws {
            try exp.verifyNotExpired()
            try aud.verifyIntendedAudience(includes: AccessTokens.issuer)
            guard iss.value == AccessTokens.issuer else {
                throw JWTError.claimVerificationFailure(failedClaim: iss, reason: "foreign issuer")
            }
        }
    }

    private let keys: JWTKeyCollection
    private let keyID: JWKIdentifier

    init() async throws {
        let key = Curve25519.Signing.PrivateKey()
        keyID = JWKIdentifier(string: UUID().uuidString)
        keys = await JWTKeyCollection().add(eddsa: EdDSA.PrivateKey(backing: key), kid: keyID)
    }

    func sign(userID: String, signInID: String, now: Date = Date()) async throws -> String {
        let claims = Claims(
            iss: IssuerClaim(value: Self.issuer), aud: AudienceClaim(value: [Self.issuer]),
            sub: SubjectClaim(value: userID), sid: signInID, iat: IssuedAtClaim(value: now),
            exp: ExpirationClaim(value: now.addingTimeInterval(TimeInterval(Self.validity))))
        return try await keys.sign(claims, kid: keyID)
    }

    /// The identity that a token of ours names; nil when it is not ours, altered or expired.
    func verify(_ token: String) async -> (userID: String, signInID: String)? {
        // One algorithm and one key: what the token's own header asks for decides nothing.
        guard
            token.utf8.count <= 4096,
            let header = try? DefaultJWTParser().parse([UInt8](token.utf8), as: Claims.self).header,
            header.alg == "EdDSA", header.kid == keyID.string,
            let claims = try? await keys.verify(token, as: Claims.self)
        else { return nil }
        return (claims.sub.value, claims.sid)
    }
}
