import Testing

@testable import GatewaySSH

@Suite("Names at the SSH port")
struct LoginNameTests {
    @Test("one's own name leads to the menu, any other word to a host of that name")
    func oneWord() {
        #expect(LoginName("ada").destination(of: "ada") == .menu)
        #expect(LoginName("Ada").destination(of: "ada") == .menu)
        #expect(LoginName("web-prod").destination(of: "ada") == .host("web-prod"))
    }

    @Test("person and host stand together by plus or colon")
    func both() {
        #expect(LoginName("ada+web-prod").destination(of: "ada") == .host("web-prod"))
        #expect(LoginName("ada:web-prod").destination(of: "ada") == .host("web-prod"))
        #expect(LoginName("ada+").destination(of: "ada") == .menu)
    }

    @Test("whoever proves to be one person enters under no other's name")
    func foreign() {
        #expect(LoginName("ada+web-prod").destination(of: "bob") == nil)
        #expect(LoginName("ada:").destination(of: "bob") == nil)
        #expect(LoginName("+web-prod").destination(of: "bob") == nil)
        // One word that is another person's name is a host's name for Bob, and there is none.
        #expect(LoginName("ada").destination(of: "bob") == .host("ada"))
    }

    @Test("the password is asked of the person who is named, and never of the host")
    func account() {
        #expect(LoginName("ada+web").account == "ada")
        #expect(LoginName("Ada:web").account == "ada")
        #expect(LoginName("ada").account == "ada")
        #expect(LoginName("+web").account == "")
        #expect(LoginName("bob+ada+web").account == "bob")
    }

    @Test("what follows the first separator is the host, whatever is in it")
    func tricks() {
        #expect(LoginName("bob+ada+web").destination(of: "bob") == .host("ada+web"))
        #expect(LoginName("bob:ada+web").destination(of: "ada") == nil)
        #expect(LoginName("ada\u{0}+web").destination(of: "ada") == nil)
        #expect(LoginName("ada +web").destination(of: "ada") == nil)
        #expect(LoginName("").destination(of: "ada") == .host(""))
    }
}
