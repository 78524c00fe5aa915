/// Names that say that their value is secret.
enum SecretName {
    private static let whole: Set<String> = [
        "password", "passwd", "passphrase", "pass", "pwd", "secret", "token", "apikey", "apitoken", "authtoken",
        "accesstoken",
        "refreshtoken", "idtoken", "privatekey", "secretkey", "accesskey", "clientsecret", "credentials", "credential",
        "pgpassword",
        "mysqlpwd", "ldappassword", "masterkey", "encryptionkey", "signingkey", "sessionkey", "rootkey",
        "authorization",
        "connectionstring", "sharedkey", "psk", "bindpw", "rootpw", "userpassword", "otp", "totp", "pincode", "xapikey",
        "xauthtoken",
        "setcookie", "cookie",
    ]
    private static let endings = [
        "password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "secretkey",
        "credential",
        "credentials", "encryptionkey", "signingkey", "masterkey", "rootkey", "sharedkey", "authkey", "deploykey",
        "licensekey",
    ]
    private static let beginnings = ["awssecret", "secretaccess", "awssessiontoken"]

    /// Whether a name (an environment variable's, a key of JSON or YAML, an option's) says so.
    static func isSecret(_ name: ArraySlice<UInt8>) -> Bool {
        guard name.count >= 3 else { return false }
        // The last part of a path of keys: spring.datasource.password.
        let last = name.split(separator: UInt8(ascii: ".")).last ?? name
        var plain: [UInt8] = []
        for byte in last where byte != UInt8(ascii: "_") && byte != UInt8(ascii: "-") {
            plain.append(Characters.lowercased(byte))
        }
        let text = String(decoding: plain, as: UTF8.self)
        if text == "pwd" || text == "oldpwd" { return last.first.map { $0 >= 97 } ?? false }
        if whole.contains(text) || endings.contains(where: text.hasSuffix) || beginnings.contains(where: text.hasPrefix)
        {
            return true
        }
        let folded = last.map(Characters.lowercased)
        return ["_pass", "_pwd", "_pw", "_key_base"].contains { folded.ends(with: $0.utf8) }
            || folded.ends(with: "_key".utf8) && last.contains { $0 >= 65 && $0 <= 90 }
    }

    /// Whether a value is none: empty, a variable, a mark, a path of a file that holds it.
    static func isPlaceholder(_ value: ArraySlice<UInt8>) -> Bool {
        guard let first = value.first else { return true }
        if first == UInt8(ascii: "$") || first == UInt8(ascii: "<") || first == UInt8(ascii: "/")
            || first == UInt8(ascii: "[")
        {
            return true
        }
        if value.allSatisfy({
            $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "x") || $0 == UInt8(ascii: "-")
        }) {
            return true
        }
        let words = [
            "true", "false", "null", "nil", "none", "yes", "no", "undefined", "required", "optional", "(redacted)", "=",
            "==", "string", "bearer", "basic", "digest",
            "negotiate", "token",
        ]
        let text = String(decoding: value.prefix(12).map(Characters.lowercased), as: UTF8.self)
        return words.contains(text)
    }
}

extension Array where Element == UInt8 {
    fileprivate func ends(with text: String.UTF8View) -> Bool { suffix(text.count).elementsEqual(text) }
}
