/// Recognises a line that asks for a secret. What is typed there is not kept even if the host echoes it.
enum SecretPrompt {
    private static let words = [
        "password", "passwd", "passphrase", "passcode", "pass phrase", "secret", "pin", "verification code",
        "security code", "authentication code", "access code", "one-time", "one time", "otp", "totp", "2fa", "mfa",
        "token", "api key", "private key", "recovery code", "backup code", "yubikey", "credential",
        // German, French, Spanish, Portuguese, Italian, Dutch, Swedish, Danish, Norwegian, Finnish, Polish, Czech
        "passwort", "kennwort", "passwörter", "mot de passe", "phrase secrète", "phrase de passe", "contraseña",
        "clave", "senha", "palavra-passe", "parola d'ordine", "wachtwoord", "lösenord", "adgangskode", "passord",
        "salasana", "hasło", "heslo",
        // Turkish, Romanian, Hungarian, Greek, Russian, Ukrainian, Bulgarian
        "parola", "şifre", "parolă", "jelszó", "κωδικός", "пароль", "парола", "код подтверждения",
        // Chinese, Japanese, Korean, Vietnamese, Indonesian, Arabic, Hebrew, Hindi
        "密码", "密碼", "口令", "验证码", "パスワード", "パスフレーズ", "暗証番号", "비밀번호", "암호", "mật khẩu",
        "kata sandi", "كلمة المرور", "סיסמה", "पासवर्ड",
    ]
    private static let endings: Set<Character> = [":", "?", "：", "？", ">", "=", "»", "]", ")"]

    /// Whether `line`, everything left of the cursor, asks for a secret: a word of that kind, and an end as a question
    /// has it, so that a shell prompt in a folder called `passwords` is not one.
    static func matches(_ line: String) -> Bool {
        var text = line.lowercased()
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        guard let last = text.last else { return false }
        let isBare = words.contains(text)
        guard isBare || endings.contains(last) else { return false }
        return words.contains { contains($0, in: text) }
    }

    /// Short Latin words count only as whole words: "pin" is not in "shipping".
    private static func contains(_ word: String, in text: String) -> Bool {
        guard word.count <= 5, word.allSatisfy(\.isASCII) else { return text.contains(word) }
        return text.split { !$0.isLetter && !$0.isNumber }.contains { $0 == word }
    }
}
