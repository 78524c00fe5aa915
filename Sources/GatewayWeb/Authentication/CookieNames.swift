import HTTPTypes
import Hummingbird

/// The cookies. With TLS their names begin with `__Host-`: a browser then takes them from this host alone, over TLS
/// alone, for every path. Scripts of the page never see them, and no other page's request carries them.
struct CookieNames: Sendable {
    let access: String
    let refresh: String
    /// Of somebody without an account, who came by a link to one session.
    let guest: String
    private let isEncrypted: Bool

    init(isEncrypted: Bool) {
        let prefix = isEncrypted ? "__Host-" : ""
        access = prefix + "copilot-access"
        refresh = prefix + "copilot-refresh"
        guest = prefix + "copilot-guest"
        self.isEncrypted = isEncrypted
    }

    func value(_ name: String, in request: Request) -> String? {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let pair = pair.drop { $0 == " " }
                guard let equals = pair.firstIndex(of: "="), pair[..<equals] == name else { continue }
                return String(pair[pair.index(after: equals)...])
            }
        }
        return nil
    }

    /// Whether a request carries one of ours, good or bad.
    func isPresent(in request: Request) -> Bool {
        [access, refresh, guest].contains { value($0, in: request) != nil }
    }

    /// A Set-Cookie field (RFC 6265 §4.1).
    /// - Parameter seconds: how long the browser keeps it; 0 removes it.
    func field(_ name: String, _ value: String, seconds: Int) -> HTTPField {
        let secure = isEncrypted ? " Secure;" : ""
        return HTTPField(
            name: .setCookie,
            value: "\(name)=\(value); Max-Age=\(max(0, seconds)); Path=/; HttpOnly;\(secure) SameSite=Strict")
    }
}
