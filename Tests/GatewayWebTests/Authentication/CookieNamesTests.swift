import HTTPTypes
import Testing

@testable import GatewayWeb

struct CookieNamesTests {
    @Test("over TLS the cookies are bound to this host, out of reach of scripts, and never sent for another page")
    func encrypted() {
        let names = CookieNames(isEncrypted: true)
        let field = names.field(names.access, "value", seconds: 600).value
        #expect(names.access == "__Host-copilot-access" && names.refresh == "__Host-copilot-refresh")
        #expect(field == "__Host-copilot-access=value; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Strict")
    }

    @Test("without TLS they lose what a browser would refuse there, and nothing else")
    func cleartext() {
        let names = CookieNames(isEncrypted: false)
        let field = names.field(names.refresh, "value", seconds: -5).value
        #expect(field == "copilot-refresh=value; Max-Age=0; Path=/; HttpOnly; SameSite=Strict")
    }
}
