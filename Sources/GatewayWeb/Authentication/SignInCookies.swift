import Gateway
import Hummingbird
import Storage

/// Gives a browser the two cookies of a sign-in, and takes them away.
struct SignInCookies: Sendable {
    let names: CookieNames
    let tokens: AccessTokens

    /// Adds both cookies: a fresh access token, and the refresh token until the sign-in's absolute end.
    func set(_ signIn: SignIn, on response: Response) async throws -> Response {
        let access = try await tokens.sign(userID: signIn.user.id, signInID: signIn.signInID)
        let remaining = (signIn.refreshExpires - Timestamp.now()).components.seconds
        var response = response
        response.headers.append(names.field(names.access, access, seconds: AccessTokens.validity))
        response.headers.append(names.field(names.refresh, signIn.refreshToken, seconds: Int(remaining)))
        return response
    }

    func remove(from response: Response) -> Response {
        var response = response
        response.headers.append(names.field(names.access, "", seconds: 0))
        response.headers.append(names.field(names.refresh, "", seconds: 0))
        return response
    }
}
